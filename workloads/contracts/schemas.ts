/**
 * The Avro schemas of the rows, by table and version, as a source team would keep them in its repository. Not every
 * version here is accepted: that is for the registry to decide.
 */
import type { schema } from 'avsc';
import type { TableName } from '../change-batch.js';

/** A row schema: a record of named fields. */
export type RowSchema = schema.RecordType;

export const orderStatuses = ['placed', 'paid', 'shipped', 'returned'];
const status: schema.EnumType = { type: 'enum', name: 'order_status', symbols: orderStatuses };

const orderKey = [
  { name: 'order_id', type: 'long' },
  { name: 'customer', type: 'long' },
  { name: 'placed_us', type: 'long' },
];

const ordersV1: RowSchema = {
  type: 'record',
  name: 'orders',
  fields: [
    ...orderKey,
    { name: 'amount_cents', type: 'int' },
    { name: 'category', type: 'int' },
    { name: 'status', type: status },
  ],
};

/** Adds a nullable field with a default: readers of either version can read both. */
const ordersV2: RowSchema = {
  ...ordersV1,
  fields: [...ordersV1.fields, { name: 'channel', type: ['null', 'string'], default: null }],
};

/** Turns an integer into text: no reader of the earlier versions can read it. */
const ordersV3: RowSchema = {
  ...ordersV1,
  fields: ordersV1.fields.map((field) => (field.name === 'amount_cents' ? { ...field, type: 'string' } : field)),
};

const clicksV1: RowSchema = {
  type: 'record',
  name: 'clicks',
  fields: [
    { name: 'click_id', type: 'long' },
    { name: 'customer', type: 'long' },
    { name: 'clicked_us', type: 'long' },
    { name: 'product', type: 'int' },
    { name: 'page', type: 'string' },
  ],
};

const devicesV1: RowSchema = {
  type: 'record',
  name: 'devices',
  fields: [
    { name: 'device_id', type: 'long' },
    { name: 'customer', type: 'long' },
    { name: 'seen_us', type: 'long' },
    { name: 'risk', type: 'int' },
    { name: 'user_agent', type: 'string' },
  ],
};

const customersV1: RowSchema = {
  type: 'record',
  name: 'customers',
  fields: [
    { name: 'customer', type: 'long' },
    { name: 'name', type: 'string' },
    { name: 'email', type: 'string' },
    { name: 'phone', type: 'string' },
    { name: 'updated_us', type: 'long' },
  ],
};

/** In the order in which the versions are registered; version n is entry n - 1. */
export const rowSchemas: Readonly<Record<TableName, readonly RowSchema[]>> = {
  orders: [ordersV1, ordersV2, ordersV3],
  clicks: [clicksV1],
  devices: [devicesV1],
  customers: [customersV1],
};

/** What the data contract reads of a row: everything else is skipped over, never decoded. */
export const readFields: Readonly<Record<TableName, readonly string[]>> = {
  orders: ['order_id', 'customer', 'placed_us', 'amount_cents', 'category'],
  clicks: ['click_id', 'customer', 'clicked_us', 'product'],
  devices: ['device_id', 'customer', 'seen_us', 'risk'],
  customers: ['customer', 'email', 'phone', 'updated_us'],
};

/** A change of a row: its images before and after. */
export function changeOf(row: RowSchema): schema.RecordType {
  return {
    type: 'record',
    name: `${row.name}_change`,
    fields: [
      { name: 'before', type: ['null', row] },
      { name: 'after', type: ['null', row.name] },
    ],
  };
}
