/**
 * Loads history: facts into the history tables (history-tables.ts), then, a range of customers at a time, from there into
 * customer rows. Safe to repeat after a crash at any point: what the tables have is told by their txns, what a row has by
 * its history flag. Memory is that of a range.
 */
import type { BackfillRequest, BackfillResult, CustomerRange, RoleContext } from '../../harness/architecture.js';
import type { Lineage } from '../../harness/lineage/recorder.js';
import type { ColumnBatch } from '../../harness/ports/columns.js';
import { untilDone } from '../../harness/ports/retries.js';
import type { Snapshot, TableStore } from '../../harness/ports/table-store/port.js';
import { createChangeRows } from './change-rows.js';
import type { CustomerRows } from './customer-rows.js';
import { clearState, createState } from './customer-state.js';
import { addRow, type ChangedRows } from './fold.js';
import { type FactName, factColumns, factNames, type HistoryFacts, indexFacts } from './history-facts.js';
import { storeHistory } from './history-tables.js';
import { recordBackfill } from './lineage.js';
import { putRows } from './online-rows.js';
import { rebuildOnline } from './rebuild.js';
import type { Position } from './recovery.js';
import { decodeState } from './row-codec.js';
import { historyTable, rowTable } from './tables.js';

const customersPerRange = 65_536;
const customersPerPut = 4_000;
const loadedPin = 'history being loaded';

export async function loadHistory(
  context: RoleContext,
  { files }: BackfillRequest,
  customerRows: CustomerRows,
  lineage: Lineage,
  position: Pick<Position, 'historyLoaded'>,
): Promise<BackfillResult> {
  await recordBackfill(lineage, context, files);
  const rows = await storeHistory(context, files);
  // From here on as after a restart, also if what follows fails: a row without history is made again of the tables.
  position.historyLoaded = true;
  const overtaken = await putHistory(context, customerRows);
  if (overtaken.length > 0) await rebuildOvertaken(context, overtaken, customerRows);
  return { rows, filesByReference: 0 };
}

/** Puts a row for every customer there can be; returns those that changes have reached before. */
async function putHistory(context: RoleContext, customerRows: CustomerRows): Promise<number[]> {
  const { customers } = context.contract;
  const { tables } = context.ports;
  const isLong = customers > customersPerRange;
  const snapshots = {} as Record<FactName, Snapshot>;
  for (const name of factNames) {
    snapshots[name] = await untilDone(context, () => tables.snapshot(historyTable(name)));
    // What is read range by range may be read for longer than the compactor retains files that it has merged.
    if (isLong) await untilDone(context, () => tables.pin(historyTable(name), loadedPin, snapshots[name].version));
  }
  const overtaken: number[] = [];
  for (let from = 0; from < customers; from += customersPerRange) {
    const range = { from, to: Math.min(customers, from + customersPerRange) };
    const facts = await untilDone(context, () => readFacts(context, snapshots, range));
    overtaken.push(...(await putRange(context, facts, range, customerRows)));
  }
  if (isLong) for (const name of factNames) await untilDone(context, () => letGo(tables, historyTable(name)));
  return overtaken;
}

/** Of what was let go by a call that seemed to fail nothing is asked again. */
async function letGo(tables: TableStore, table: string): Promise<void> {
  if ((await tables.pins(table)).has(loadedPin)) await tables.unpin(table, loadedPin);
}

/** Customers are numbered from the beginning of the range. */
async function readFacts(
  { ports: { tables } }: RoleContext,
  snapshots: Readonly<Record<FactName, Snapshot>>,
  range: CustomerRange,
): Promise<HistoryFacts> {
  const batches: Record<FactName, ColumnBatch[]> = { orders: [], clicks: [], devices: [] };
  for (const name of factNames) {
    const columns = factColumns[name];
    const own = columns.filter((column) => column !== 'customer');
    const query = {
      from: { facts: { snapshot: snapshots[name], where: { column: 'customer', ...range } } },
      sql: `SELECT customer - ${range.from} AS customer, ${own.join(', ')} FROM facts`,
      schema: columns.map((column) => ({ name: column, type: 'int', nullable: false }) as const),
    };
    for await (const batch of tables.query(query)) batches[name].push(batch);
  }
  return indexFacts(batches, range.to - range.from);
}

async function putRange(
  context: RoleContext,
  facts: HistoryFacts,
  range: CustomerRange,
  customerRows: CustomerRows,
): Promise<number[]> {
  const { ports } = context;
  const overtaken: number[] = [];
  const state = createState();
  for (let from = range.from; from < range.to; from += customersPerPut) {
    const customers = Array.from({ length: Math.min(customersPerPut, range.to - from) }, (_, i) => from + i);
    const stored = await untilDone(context, () => ports.onlineStore.get(rowTable, customers.map(String)));
    const rows: ChangedRows = { customers: [], seqs: [], asOfUs: [], values: [] };
    for (const [i, customer] of customers.entries()) {
      const row = stored[i];
      clearState(state);
      if (row) decodeState(row.value, state);
      if (state.history) continue;
      if (state.lastSeq > 0) {
        overtaken.push(customer);
        continue;
      }
      facts.addTo(state, customer - range.from);
      state.history = true;
      addRow(rows, customer, state);
    }
    await putRows(context, rows);
    customerRows.takeOver(rows);
    customerRows.trim();
  }
  return overtaken;
}

/** History goes before the changes, as a change may delete what history has: only the tables have both in order. */
async function rebuildOvertaken(
  context: RoleContext,
  customers: readonly number[],
  customerRows: CustomerRows,
): Promise<void> {
  for (let from = 0; from < customers.length; from += customersPerRange) {
    const some = customers.slice(from, from + customersPerRange);
    const input = { customers: some, rows: createChangeRows(0), fresh: 0, historyLoaded: true };
    await rebuildOnline(context, input, customerRows);
  }
}
