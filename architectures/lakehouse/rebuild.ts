/**
 * Makes customer rows anew from the tables, which have everything: history, and every change once. Slow and always
 * right; for the customers whose row does not suffice (see fold.ts).
 */
import type { RoleContext } from '../../harness/architecture.js';
import type { ColumnBatch } from '../../harness/ports/columns.js';
import { untilDone } from '../../harness/ports/retries.js';
import type { Predicate, TableStore } from '../../harness/ports/table-store/port.js';
import { tableNames } from '../../workloads/change-batch.js';
import { duplicateRefusal } from '../../workloads/data-contract.js';
import { appendRow, appendScanned, type ChangeRows, createChangeRows, foldedColumns } from './change-rows.js';
import type { CustomerRows } from './customer-rows.js';
import { applyChange, type CustomerState, clearState, createState } from './customer-state.js';
import { addRow, type ChangedRows, forEachGroup, groupByCustomer } from './fold.js';
import { type FactName, factColumns, factNames, type HistoryFacts, indexFacts } from './history-facts.js';
import { putRows } from './online-rows.js';
import { clearList, upsert } from './recent-list.js';
import { changesTable, historyTable } from './tables.js';

export interface RebuildInput {
  readonly customers: readonly number[];
  /** The batch whose rows are not in the tables yet, and how many there are. */
  readonly rows: ChangeRows;
  readonly fresh: number;
  readonly historyLoaded: boolean;
}

/** Makes their rows anew, and puts them online. */
export async function rebuildOnline(
  context: RoleContext,
  input: RebuildInput,
  customerRows: CustomerRows,
): Promise<void> {
  const rebuilt = await untilDone(context, () => rebuildRows(context, input));
  await putRows(context, rebuilt);
  customerRows.takeOver(rebuilt);
  customerRows.trim();
}

export async function rebuildRows(context: RoleContext, input: RebuildInput): Promise<ChangedRows> {
  const { tables } = context.ports;
  const changes = await readChanges(tables, input);
  const facts = input.historyLoaded ? await readFacts(tables, input, context.contract.customers) : null;
  const withoutChanges = new Set(input.customers);
  const rebuilt: ChangedRows = { customers: [], seqs: [], asOfUs: [], values: [] };
  const state = createState();
  const rebuild = (customer: number, members: readonly number[]) => {
    clearState(state);
    facts?.addTo(state, customer);
    state.history = input.historyLoaded;
    const applied: number[] = [];
    for (const i of members) {
      if (changes.seq[i] !== state.lastSeq + 1) continue;
      applyChange(state, changes, i);
      if (changes.refusal[i] === 0) applied.push(i);
    }
    listAgain(state, customer, facts, changes, applied);
    addRow(rebuilt, customer, state);
  };
  forEachGroup(changes, groupByCustomer(changes), (customer, members) => {
    withoutChanges.delete(customer);
    rebuild(customer, members);
  });
  for (const customer of withoutChanges) rebuild(customer, []);
  return rebuilt;
}

/**
 * The lists of latest orders and devices from those that are live in the end: listed one by one, as the changes came,
 * they would lose their tail to orders that were deleted later.
 */
function listAgain(
  state: CustomerState,
  customer: number,
  facts: HistoryFacts | null,
  changes: ChangeRows,
  applied: readonly number[],
): void {
  const placedUs = new Map<number, number>();
  const devices = new Map<number, { readonly seenUs: number; readonly risk: number }>();
  facts?.forEachOrder(customer, (id, us) => placedUs.set(id, us));
  facts?.forEachDevice(customer, (id, seenUs, risk) => devices.set(id, { seenUs, risk }));
  for (const i of applied) {
    const id = changes.entity[i] as number;
    const eventUs = changes.eventUs[i] as number;
    const table = tableNames[changes.table[i] as number];
    if (table === 'devices') devices.set(id, { seenUs: eventUs, risk: changes.risk[i] as number });
    if (table !== 'orders') continue;
    if (eventUs < 0) placedUs.delete(id);
    else placedUs.set(id, eventUs);
  }
  clearList(state.orders);
  for (const [id, us] of placedUs) upsert(state.orders, id, us, 0);
  clearList(state.devices);
  for (const [id, { seenUs, risk }] of devices) upsert(state.devices, id, seenUs, risk);
}

/** Every change of the customers, of the tables and of the batch, without the duplicates. */
async function readChanges(tables: TableStore, input: RebuildInput): Promise<ChangeRows> {
  const scanned = createChangeRows();
  for await (const batch of scanChangesOf(tables, input.customers)) appendScanned(scanned, batch);
  for (let i = 0; i < scanned.count; i++) if (scanned.refusal[i] === duplicateRefusal) scanned.unfolded[i] = 1;
  const wanted = new Set(input.customers);
  for (let i = 0; i < input.fresh; i++)
    if (input.rows.unfolded[i] === 0 && wanted.has(input.rows.customer[i] as number)) appendRow(scanned, input.rows, i);
  return scanned;
}

/** A range is told by its ends. */
function belongingTo(customers: readonly number[]): Predicate {
  const from = customers[0] ?? 0;
  const isRange = customers.every((customer, i) => customer === from + i);
  return { column: 'customer', ...(isRange ? { from, to: from + customers.length } : { values: customers }) };
}

/** What the tables have of some customers, in columns from which it can be folded. */
export async function* scanChangesOf(tables: TableStore, customers: readonly number[]): AsyncIterable<ColumnBatch> {
  const query = { columns: foldedColumns, where: belongingTo(customers) };
  yield* tables.scan(await tables.snapshot(changesTable), query);
}

async function readFacts(tables: TableStore, input: RebuildInput, customers: number): Promise<HistoryFacts> {
  const batches: Record<FactName, ColumnBatch[]> = { orders: [], clicks: [], devices: [] };
  for (const name of factNames) {
    const query = { columns: factColumns[name], where: belongingTo(input.customers) };
    for await (const batch of tables.scan(await tables.snapshot(historyTable(name)), query)) batches[name].push(batch);
  }
  return indexFacts(batches, customers);
}
