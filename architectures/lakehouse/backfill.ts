/**
 * Loads history: facts into the history tables, with tokens for personal data, and folded into customer rows. Safe to
 * repeat after a crash at any point: what the tables have is told by their txns, what a row has by its history flag.
 */
import type { BackfillRequest, BackfillResult, RoleContext } from '../../harness/architecture.js';
import type { Lineage } from '../../harness/lineage/recorder.js';
import type { ColumnBatch, IntValues, TextValues } from '../../harness/ports/columns.js';
import { untilDone } from '../../harness/ports/retries.js';
import { historySchemas } from '../../workloads/fact-schemas.js';
import { createChangeRows } from './change-rows.js';
import type { CustomerRows } from './customer-rows.js';
import { clearState, createState } from './customer-state.js';
import { addRow, type ChangedRows } from './fold.js';
import { indexFacts } from './history-facts.js';
import { recordBackfill } from './lineage.js';
import { putRows } from './online-rows.js';
import { rebuildRows } from './rebuild.js';
import { decodeState } from './row-codec.js';
import {
  type HistoryName,
  historyNames,
  historyTable,
  historyTxn,
  isPersonal,
  rowTable,
  tokenColumn,
} from './tables.js';

/** Rows that one commit takes: a table is not made of small files from its first day. */
const rowsPerAppend = 500_000;
const customersPerPut = 4_000;

export async function loadHistory(
  context: RoleContext,
  { files }: BackfillRequest,
  customerRows: CustomerRows,
  lineage: Lineage,
): Promise<BackfillResult> {
  await recordBackfill(lineage, files);
  const history = {} as Record<HistoryName, ColumnBatch>;
  for (const name of historyNames) history[name] = await readWhole(context, name, files[name]);
  // Both to their end, even if one fails: the stream goes on as soon as this returns.
  const [put, stored] = await Promise.allSettled([
    putHistory(context, history, customerRows),
    storeHistory(context, history),
  ]);
  if (put.status === 'rejected') throw put.reason;
  if (stored.status === 'rejected') throw stored.reason;
  const overtaken = put.value;
  if (overtaken.length > 0) await rebuildOvertaken(context, overtaken, customerRows);
  return { rows: historyNames.reduce((sum, name) => sum + history[name].rows, 0), filesByReference: 0 };
}

/** A Parquet file as one batch of columns, tokens in the place of personal data. */
async function readWhole({ ports, contract }: RoleContext, name: HistoryName, path: string): Promise<ColumnBatch> {
  const parts: ColumnBatch[] = [];
  for await (const part of ports.tables.readParquet(path, historySchemas[name])) parts.push(part);
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const columns: Record<string, IntValues | TextValues> = {};
  for (const { name: column, type } of historySchemas[name]) {
    if (type === 'text') {
      const texts = parts.flatMap((part) => (part.columns[column] as TextValues).slice(0, part.rows));
      if (isPersonal(column)) columns[tokenColumn(column)] = texts.map((text) => contract.tokenise(text as string));
      else columns[column] = texts;
      continue;
    }
    const numbers = new Float64Array(rows);
    let from = 0;
    for (const part of parts) {
      numbers.set(part.columns[column] as Float64Array, from);
      from += part.rows;
    }
    columns[column] = numbers;
  }
  return { rows, columns };
}

/** Exactly once: commit n of a table carries the number n, and a commit whose number is taken writes nothing. */
async function storeHistory(context: RoleContext, history: Readonly<Record<HistoryName, ColumnBatch>>): Promise<void> {
  const { tables } = context.ports;
  for (const name of historyNames) {
    const { rows, columns } = history[name];
    for (let from = 0, version = 1; from < rows || version === 1; from += rowsPerAppend, version++) {
      const to = Math.min(rows, from + rowsPerAppend);
      const part = Object.entries(columns).map(([column, values]) => [column, values.slice(from, to)]);
      const batch = { rows: to - from, columns: Object.fromEntries(part) };
      await untilDone(context, () => tables.append(historyTable(name), batch, [{ appId: historyTxn, version }]));
    }
  }
}

/** Puts a row for every customer there can be; returns those that changes have reached before. */
async function putHistory(
  context: RoleContext,
  history: Readonly<Record<HistoryName, ColumnBatch>>,
  customerRows: CustomerRows,
): Promise<number[]> {
  const { ports, contract } = context;
  const facts = indexFacts(
    { orders: [history.orders], clicks: [history.clicks], devices: [history.devices] },
    contract.customers,
  );
  const overtaken: number[] = [];
  const state = createState();
  for (let from = 0; from < contract.customers; from += customersPerPut) {
    const customers = Array.from({ length: Math.min(customersPerPut, contract.customers - from) }, (_, i) => from + i);
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
      facts.addTo(state, customer);
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
  const rebuilt = await rebuildRows(context, {
    customers,
    rows: createChangeRows(0),
    fresh: 0,
    historyLoaded: true,
  });
  await putRows(context, rebuilt);
  customerRows.takeOver(rebuilt);
}
