/**
 * The batch layer: recomputes every row of the view from all the master data there is, remembering nothing of the time
 * before. This is the second implementation of each feature, over columns; the first is speed.ts, a change at a time.
 */
import type { RoleContext } from '../../harness/architecture.js';
import type { ColumnBatch } from '../../harness/ports/columns.js';
import type { ScanQuery, Snapshot, TableStore } from '../../harness/ports/table-store/port.js';
import { opNames, tableNames } from '../../workloads/change-batch.js';
import { createSeqIndex, type SeqIndex } from '../../workloads/seq-index.js';
import { rawTable } from './archive.js';
import { batchTable, mark } from './epochs.js';
import { type HistoryName, historyTable } from './history.js';
import {
  type Change,
  cellKey,
  emptyRow,
  encodeRow,
  levels,
  listedOrders,
  seeDevice,
  tileOf,
  type ViewRow,
} from './view-row.js';

const rowsPerPut = 2_000;

/** Events of all customers as growing columns: what the view sums. */
interface Events {
  rows: number;
  customer: Uint32Array;
  eventUs: Float64Array;
  /** Category + 1, or 0 for a click. */
  kind: Uint8Array;
  /** 1, or -1 for a retraction. */
  sign: Int8Array;
  amountCents: Int32Array;
}

/** Writes the batch view of `epoch` at `asOfUs` from the master data as they are now; resolves when it is whole. */
export async function recomputeView(
  { ports, contract, signal }: RoleContext,
  epoch: number,
  asOfUs: number,
): Promise<void> {
  const { tables, onlineStore } = ports;
  const events = createEvents();
  const rows = new Map<number, ViewRow>();
  const rowOf = (customer: number) => {
    const row = rows.get(customer) ?? emptyRow();
    rows.set(customer, row);
    return row;
  };
  const raw = await tables.snapshot(rawTable);
  const seen = await indexSeqs(tables, raw, contract.customers);
  await readHistory(tables, events, rowOf);
  await readChanges(tables, raw, seen, events, rowOf);
  sumEvents(events, asOfUs, rowOf);
  const customers = [...new Set([...rows.keys(), ...seenCustomers(seen, contract.customers)])];
  await mark(onlineStore, batchTable(epoch), asOfUs);
  for (let from = 0; from < customers.length; from += rowsPerPut) {
    signal.throwIfAborted();
    const some = customers.slice(from, from + rowsPerPut);
    await onlineStore.put(batchTable(epoch), {
      keys: some.map(String),
      seqs: some.map((customer) => seen.prefix(customer)),
      asOfUs: some.map(() => asOfUs),
      values: some.map((customer) => encodeRow(listLatest(rowOf(customer), asOfUs))),
    });
  }
}

async function indexSeqs(tables: TableStore, raw: Snapshot, customers: number): Promise<SeqIndex> {
  const seen = createSeqIndex(customers);
  await eachRow(tables, raw, ['customer', 'seq'], (column, i) => seen.add(column('customer', i), column('seq', i)));
  return seen;
}

function* seenCustomers(seen: SeqIndex, customers: number): Iterable<number> {
  for (let customer = 0; customer < customers; customer++) if (seen.prefix(customer) > 0) yield customer;
}

type RowOf = (customer: number) => ViewRow;
/** A number of a row; -1 for null. */
type Column = (name: string, row: number) => number;

async function eachRow(
  tables: TableStore,
  snapshot: Snapshot,
  columns: ScanQuery['columns'],
  use: (column: Column, row: number, batch: ColumnBatch) => void,
): Promise<void> {
  for await (const batch of tables.scan(snapshot, { columns })) {
    const column: Column = (name, row) => (batch.columns[name]?.[row] as number | null) ?? -1;
    for (let row = 0; row < batch.rows; row++) use(column, row, batch);
  }
}

async function readHistory(tables: TableStore, events: Events, rowOf: RowOf): Promise<void> {
  const known = new Set(await tables.tables());
  const read = async (name: HistoryName, columns: ScanQuery['columns'], use: (column: Column, row: number) => void) => {
    if (known.has(historyTable(name))) await eachRow(tables, await tables.snapshot(historyTable(name)), columns, use);
  };
  await read('orders', ['order_id', 'customer', 'placed_us', 'amount_cents', 'category'], (column, i) => {
    const customer = column('customer', i);
    addEvent(events, customer, column('placed_us', i), column('category', i) + 1, 1, column('amount_cents', i));
    rowOf(customer).orders.set(column('order_id', i), column('placed_us', i));
  });
  await read('clicks', ['customer', 'clicked_us'], (column, i) =>
    addEvent(events, column('customer', i), column('clicked_us', i), 0, 1, 0),
  );
  await read('devices', ['device_id', 'customer', 'seen_us', 'risk'], (column, i) =>
    seeDevice(rowOf(column('customer', i)), column('seen_us', i), column('device_id', i), column('risk', i)),
  );
}

const changeColumns = [
  'customer',
  'seq',
  'source_table',
  'op',
  'refused',
  'entity',
  'event_us',
  'amount_cents',
  'category',
  'risk',
  'before_event_us',
  'before_amount_cents',
  'before_category',
];

/** Sound changes of each customer's contiguous prefix become events; those beyond a gap are kept in the row, for the speed layer. */
async function readChanges(
  tables: TableStore,
  raw: Snapshot,
  seen: SeqIndex,
  events: Events,
  rowOf: RowOf,
): Promise<void> {
  /** The seq of the change that decided whether a customer's order lives. */
  const deletions = new Map<number, Set<number>>();
  await eachRow(tables, raw, changeColumns, (column, i, { columns }) => {
    const customer = column('customer', i);
    const seq = column('seq', i);
    const refused = columns.refused?.[i] as string | null;
    if (refused === 'duplicate') return;
    const table = tableNames.indexOf(columns.source_table?.[i] as (typeof tableNames)[number]);
    if (seq > seen.prefix(customer)) {
      rowOf(customer).held.set(seq, heldChange(column, i, table, columns.op?.[i] as string, refused !== null));
      return;
    }
    if (refused !== null) return;
    const eventUs = column('event_us', i);
    const beforeUs = column('before_event_us', i);
    const entity = column('entity', i);
    if (table === 0) {
      if (beforeUs >= 0)
        addEvent(events, customer, beforeUs, column('before_category', i) + 1, -1, -column('before_amount_cents', i));
      if (eventUs >= 0) addEvent(events, customer, eventUs, column('category', i) + 1, 1, column('amount_cents', i));
      if (eventUs >= 0) rowOf(customer).orders.set(entity, eventUs);
      else {
        const deleted = deletions.get(customer) ?? new Set();
        deletions.set(customer, deleted.add(entity));
      }
    } else if (table === 1) addEvent(events, customer, eventUs, 0, 1, 0);
    else if (table === 2) seeDevice(rowOf(customer), eventUs, entity, column('risk', i));
  });
  // An order is deleted for good, whatever was read before or after.
  for (const [customer, deleted] of deletions) for (const order of deleted) rowOf(customer).orders.delete(order);
}

function heldChange(column: Column, i: number, table: number, op: string, refused: boolean): Change {
  return {
    seq: column('seq', i),
    table,
    op: opNames.indexOf(op as (typeof opNames)[number]),
    refused,
    entity: column('entity', i),
    eventUs: column('event_us', i),
    amountCents: column('amount_cents', i),
    category: column('category', i),
    risk: column('risk', i),
    beforeEventUs: column('before_event_us', i),
    beforeAmountCents: column('before_amount_cents', i),
    beforeCategory: column('before_category', i),
  };
}

/** Sums events into cells, each in the shortest tile that a window at `asOfUs` or later can still ask for. */
function sumEvents(events: Events, asOfUs: number, rowOf: RowOf): void {
  const firstTile = [60, 96, 7 * 24].map((tiles, level) => Math.floor(asOfUs / (levels[level] as number)) - tiles + 1);
  for (let i = 0; i < events.rows; i++) {
    const eventUs = events.eventUs[i] as number;
    const level = firstTile.findIndex((first, candidate) => tileOf(eventUs, candidate) >= first);
    if (level < 0) continue; // older than every window
    const { cells } = rowOf(events.customer[i] as number);
    const key = cellKey(tileOf(eventUs, level), level, events.kind[i] as number);
    const cell = cells.get(key);
    if (cell) {
      cell.count += events.sign[i] as number;
      cell.amount += events.amountCents[i] as number;
    } else cells.set(key, { count: events.sign[i] as number, amount: events.amountCents[i] as number });
  }
}

/** The row with no more than the latest live orders of the week, and without cells that have cancelled out. */
function listLatest(row: ViewRow, asOfUs: number): ViewRow {
  const weekUs = 7 * 24 * (levels[2] as number);
  const oldestUs = Math.floor(asOfUs / (levels[2] as number)) * (levels[2] as number) - weekUs;
  const orders = [...row.orders].filter(([, placedUs]) => placedUs > oldestUs).sort((a, b) => b[1] - a[1]);
  for (const [key, { count, amount }] of row.cells) if (count === 0 && amount === 0) row.cells.delete(key);
  return { ...row, orders: new Map(orders.slice(0, listedOrders)) };
}

function createEvents(): Events {
  return allocate(1 << 16);
}

function allocate(capacity: number): Events {
  return {
    rows: 0,
    customer: new Uint32Array(capacity),
    eventUs: new Float64Array(capacity),
    kind: new Uint8Array(capacity),
    sign: new Int8Array(capacity),
    amountCents: new Int32Array(capacity),
  };
}

function addEvent(
  events: Events,
  customer: number,
  eventUs: number,
  kind: number,
  sign: 1 | -1,
  amountCents: number,
): void {
  if (events.rows === events.customer.length) grow(events);
  const i = events.rows++;
  events.customer[i] = customer;
  events.eventUs[i] = eventUs;
  events.kind[i] = kind;
  events.sign[i] = sign;
  events.amountCents[i] = amountCents;
}

function grow(events: Events): void {
  const larger = allocate(events.customer.length * 2);
  for (const name of ['customer', 'eventUs', 'kind', 'sign', 'amountCents'] as const) {
    larger[name].set(events[name] as never);
    events[name] = larger[name] as never;
  }
}
