/** Writes the payloads of generated changes as Avro, with the schema that the source had at the time. */
import avro, { type Type } from 'avsc';
import { tableNames } from '../change-batch.js';
import { orderStatuses, rowSchemas } from '../contracts/schemas.js';
import { channels, type SlotChanges } from './changes.js';
import { emailOf, type Pools } from './pools.js';
import type { SourceState } from './state.js';

/**
 * Writes the payload of change i into `target` at `at` and returns its end, or -1 if it does not fit.
 */
export type PayloadWriter = (changes: SlotChanges, i: number, target: Buffer, at: number) => number;

const [orders, clicks, devices] = [0, 1, 2] as const;
const [create, , remove] = [0, 1, 2] as const;
const [cut, badUnion] = [1, 2] as const;

export function createPayloadWriter(pools: Pools, state: Pick<SourceState, 'name'>): PayloadWriter {
  const types: readonly (readonly Type[])[] = tableNames.map((table) =>
    rowSchemas[table].map((row) => avro.Type.forSchema(row)),
  );
  // Images are refilled for each change: the writer keeps none of them.
  const rows = tableNames.map((_, table) => ({ before: emptyRow(table), after: emptyRow(table) }));

  return (changes, i, target, at) => {
    const table = changes.table[i] as number;
    const op = changes.op[i] as number;
    const version = changes.schemaVersion[i] as number;
    const { before, after } = rows[table] as { before: Row; after: Row };
    switch (table) {
      case orders:
        if (op !== create) fillOrderBefore(before as OrderRow, changes, i);
        if (op !== remove) fillOrder(after as OrderRow, changes, i, version);
        break;
      case clicks:
        fillClick(after as ClickRow, changes, i, pools);
        break;
      case devices:
        if (op !== create)
          fillDevice(before as DeviceRow, changes, i, changes.beforeEventUs, changes.beforeRisk, pools);
        fillDevice(after as DeviceRow, changes, i, changes.eventUs, changes.risk, pools);
        break;
      default: {
        const { beforeEventUs, beforeEmail, beforePhone, eventUs, email, phone } = changes;
        fillCustomer(before as CustomerRow, changes, i, beforeEventUs, beforeEmail, beforePhone, pools, state);
        fillCustomer(after as CustomerRow, changes, i, eventUs, email, phone, pools, state);
      }
    }
    const type = (types[table] as readonly Type[])[version - 1] as Type;
    const middle = writeImage(type, op === create ? null : before, target, at);
    if (middle < 0) return -1;
    const end = writeImage(type, op === remove ? null : after, target, middle);
    if (end < 0) return -1;
    if (changes.damage[i] === badUnion) target[at] = 0x7f;
    return changes.damage[i] === cut ? end - 1 : end;
  };
}

/**
 * A field of `changeOf`, a union of null and the row: the number of its branch, zigzag encoded, then the row (Avro 1.11,
 * "Unions" and "Records"). avsc looks for the branch by the value, which takes a quarter of the time of a payload.
 */
function writeImage(type: Type, row: Row | null, target: Buffer, at: number): number {
  if (at >= target.length) return -1;
  target[at] = row === null ? 0 : 2;
  return row === null ? at + 1 : type.encode(row, target, at + 1);
}

interface OrderRow {
  order_id: number;
  customer: number;
  placed_us: number;
  /** Text in the incompatible version only. */
  amount_cents: number | string;
  category: number;
  status: string;
  channel: string | null;
}
interface ClickRow {
  click_id: number;
  customer: number;
  clicked_us: number;
  product: number;
  page: string;
}
interface DeviceRow {
  device_id: number;
  customer: number;
  seen_us: number;
  risk: number;
  user_agent: string;
}
interface CustomerRow {
  customer: number;
  name: string;
  email: string;
  phone: string;
  updated_us: number;
}
type Row = OrderRow | ClickRow | DeviceRow | CustomerRow;

function emptyRow(table: number): Row {
  switch (table) {
    case orders:
      return { order_id: 0, customer: 0, placed_us: 0, amount_cents: 0, category: 0, status: '', channel: null };
    case clicks:
      return { click_id: 0, customer: 0, clicked_us: 0, product: 0, page: '' };
    case devices:
      return { device_id: 0, customer: 0, seen_us: 0, risk: 0, user_agent: '' };
    default:
      return { customer: 0, name: '', email: '', phone: '', updated_us: 0 };
  }
}

function fillOrder(row: OrderRow, changes: SlotChanges, i: number, version: number): void {
  const amountCents = changes.amountCents[i] as number;
  row.order_id = changes.entity[i] as number;
  row.customer = changes.rowCustomer[i] as number;
  row.placed_us = changes.eventUs[i] as number;
  row.amount_cents = version === 3 ? String(amountCents) : amountCents;
  row.category = changes.category[i] as number;
  row.status = orderStatuses[changes.status[i] as number] as string;
  row.channel = channels[changes.channel[i] as number] || null;
}

function fillOrderBefore(row: OrderRow, changes: SlotChanges, i: number): void {
  row.order_id = changes.entity[i] as number;
  row.customer = changes.rowCustomer[i] as number;
  row.placed_us = changes.beforeEventUs[i] as number;
  row.amount_cents = changes.beforeAmountCents[i] as number;
  row.category = changes.beforeCategory[i] as number;
  row.status = orderStatuses[changes.beforeStatus[i] as number] as string;
  row.channel = channels[changes.beforeChannel[i] as number] || null;
}

function fillClick(row: ClickRow, changes: SlotChanges, i: number, pools: Pools): void {
  row.click_id = changes.entity[i] as number;
  row.customer = changes.rowCustomer[i] as number;
  row.clicked_us = changes.eventUs[i] as number;
  row.product = changes.product[i] as number;
  row.page = pools.pages[changes.page[i] as number] as string;
}

function fillDevice(
  row: DeviceRow,
  changes: SlotChanges,
  i: number,
  seenUs: Float64Array,
  risk: Int32Array,
  pools: Pools,
): void {
  const device = changes.entity[i] as number;
  row.device_id = device;
  row.customer = changes.rowCustomer[i] as number;
  row.seen_us = seenUs[i] as number;
  row.risk = risk[i] as number;
  row.user_agent = pools.userAgents[device % pools.userAgents.length] as string;
}

function fillCustomer(
  row: CustomerRow,
  changes: SlotChanges,
  i: number,
  updatedUs: Float64Array,
  email: Uint16Array,
  phone: Uint16Array,
  pools: Pools,
  state: Pick<SourceState, 'name'>,
): void {
  const customer = changes.customer[i] as number;
  row.customer = changes.rowCustomer[i] as number;
  row.name = pools.names[state.name[customer] as number] as string;
  row.email = emailOf(pools, customer, email[i] as number);
  row.phone = pools.phones[phone[i] as number] as string;
  row.updated_us = updatedUs[i] as number;
}
