/**
 * The shapes in which facts and changes are stored as tables, whatever the plane. Personal data (`email`, `phone`)
 * appear here only as tokens, `email_token` and `phone_token`; the Parquet files of history carry the raw values, in
 * columns `email` and `phone` of customers, as a source would.
 */
import type { Schema } from '../harness/ports/columns.js';

/** History as it arrives in Parquet: facts of the past, without seq, at most one row an entity. */
export const historySchemas = {
  orders: [
    { name: 'order_id', type: 'int', nullable: false },
    { name: 'customer', type: 'int', nullable: false },
    { name: 'placed_us', type: 'int', nullable: false },
    { name: 'amount_cents', type: 'int', nullable: false },
    { name: 'category', type: 'int', nullable: false },
  ],
  clicks: [
    { name: 'click_id', type: 'int', nullable: false },
    { name: 'customer', type: 'int', nullable: false },
    { name: 'clicked_us', type: 'int', nullable: false },
    { name: 'product', type: 'int', nullable: false },
  ],
  devices: [
    { name: 'device_id', type: 'int', nullable: false },
    { name: 'customer', type: 'int', nullable: false },
    { name: 'seen_us', type: 'int', nullable: false },
    { name: 'risk', type: 'int', nullable: false },
  ],
  customers: [
    { name: 'customer', type: 'int', nullable: false },
    { name: 'name', type: 'text', nullable: false },
    { name: 'email', type: 'text', nullable: false },
    { name: 'phone', type: 'text', nullable: false },
    { name: 'updated_us', type: 'int', nullable: false },
  ],
} as const satisfies Record<string, Schema>;

/**
 * One change, flattened: what a plane stores of it. `entity` is the primary key within its table (order_id, click_id,
 * device_id, customer); `event_us` the image's own event time (placed, clicked, seen, updated).
 */
export const changeSchema = [
  { name: 'customer', type: 'int', nullable: false },
  { name: 'seq', type: 'int', nullable: false },
  { name: 'source_table', type: 'text', nullable: false },
  { name: 'op', type: 'text', nullable: false },
  { name: 'lsn', type: 'int', nullable: false },
  { name: 'commit_us', type: 'int', nullable: false },
  { name: 'emit_us', type: 'int', nullable: false },
  { name: 'schema_version', type: 'int', nullable: false },
  /** Null: applied. Otherwise why the change was refused (see `refusals` in data-contract.ts). */
  { name: 'refused', type: 'text', nullable: true },
  { name: 'entity', type: 'int', nullable: true },
  { name: 'event_us', type: 'int', nullable: true },
  { name: 'amount_cents', type: 'int', nullable: true },
  { name: 'category', type: 'int', nullable: true },
  { name: 'risk', type: 'int', nullable: true },
  { name: 'before_event_us', type: 'int', nullable: true },
  { name: 'before_amount_cents', type: 'int', nullable: true },
  { name: 'before_category', type: 'int', nullable: true },
  { name: 'email_token', type: 'text', nullable: true },
  { name: 'phone_token', type: 'text', nullable: true },
] as const satisfies Schema;
