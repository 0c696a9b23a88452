/** A table of the simulated warehouse: batches of rows, to which more are added at the end. */
import { CallError } from '../../../errors.js';
import type { ColumnBatch, Schema, TextValues } from '../../columns.js';
import { indexKeys, type KeyIndex } from './key-index.js';
import {
  bytesOf,
  conformBatch,
  joinBatches,
  pickRows,
  presentInts,
  type StoredBatch,
  type StoredColumn,
} from './stored-columns.js';

export interface StoredTable {
  readonly name: string;
  readonly schema: Schema;
  batches: StoredBatch[];
  /** Per key by which rows were merged into it, those of its first `batches`. */
  readonly keys: Map<string, { readonly index: KeyIndex; batches: number }>;
}

export function createTable(name: string, schema: Schema): StoredTable {
  return { name, schema: schema.map((column) => ({ ...column })), batches: [], keys: new Map() };
}

function describeSchema(schema: Schema): string {
  return schema.map(({ name, type, nullable }) => `${name} ${type}${nullable ? '' : ' not null'}`).join(', ');
}

/** All batches or none. */
export function appendBatches(table: StoredTable, batches: readonly StoredBatch[]): void {
  const conforming = batches
    .filter(({ rows }) => rows > 0)
    .map((batch) => conformBatch(table.name, table.schema, batch));
  for (const batch of conforming) table.batches.push(batch);
}

/** Moves the rows of `from`, the first of each key to `into` and the others to `duplicatesInto`. */
export function mergeRows(
  from: StoredTable,
  into: StoredTable,
  key: readonly string[],
  duplicatesInto: StoredTable,
): { merged: number; duplicates: number } {
  for (const other of [into, duplicatesInto]) checkSame(from.schema, other);
  checkColumns(from, key);
  if (key.length === 0) throw new CallError('failed', `a merge into '${into.name}' needs a key of at least one column`);
  const keys = keysOf(into, key);
  const staged = joinBatches(from.batches);
  const repeated = keys.index.add(staged);
  if (repeated.length === 0) appendBatches(into, [staged]);
  else {
    const isRepeated = new Set(repeated);
    const first = Array.from({ length: staged.rows }, (_, row) => row).filter((row) => !isRepeated.has(row));
    appendBatches(into, [pickRows(staged, first)]);
    appendBatches(duplicatesInto, [pickRows(staged, repeated)]);
  }
  keys.batches = into.batches.length;
  from.batches = [];
  from.keys.clear();
  return { merged: staged.rows - repeated.length, duplicates: repeated.length };
}

/** Of all rows that the table has now. */
function keysOf(table: StoredTable, key: readonly string[]) {
  const name = key.join('\n');
  const keys = table.keys.get(name) ?? { index: indexKeys(key), batches: 0 };
  table.keys.set(name, keys);
  for (const batch of table.batches.slice(keys.batches)) keys.index.add(batch);
  keys.batches = table.batches.length;
  return keys;
}

/** Rejects another table than one with the columns that are expected, in their order. */
export function checkSame(expected: Schema, { name, schema }: StoredTable): void {
  if (describeSchema(schema) === describeSchema(expected)) return;
  throw new CallError(
    'failed',
    `table '${name}' has the columns ${describeSchema(schema)}; expected ${describeSchema(expected)}`,
  );
}

export function checkColumns({ name, schema }: StoredTable, columns: readonly string[]): void {
  const missing = columns.find((column) => !schema.some((candidate) => candidate.name === column));
  if (missing === undefined) return;
  const known = schema.map((column) => column.name).join(', ');
  throw new CallError('failed', `table '${name}' has no column '${missing}'; it has ${known}`);
}

export const countRows = ({ batches }: StoredTable) => batches.reduce((sum, { rows }) => sum + rows, 0);
export const countBytes = ({ batches }: StoredTable) => batches.reduce((sum, { bytes }) => sum + bytes, 0);

/** Rows that a scan answers at once: stretches of batches. */
export interface Page {
  readonly rows: number;
  readonly parts: readonly { readonly batch: StoredBatch; readonly from: number; readonly to: number }[];
}

const pageRows = 20_000;

/** The table as it is now, in pages; one without rows if it has none. */
export function cutPages({ batches }: StoredTable): Page[] {
  const pages: { rows: number; parts: Page['parts'][number][] }[] = [{ rows: 0, parts: [] }];
  for (const batch of batches) {
    for (let from = 0; from < batch.rows; ) {
      if (pages.at(-1)!.rows === pageRows) pages.push({ rows: 0, parts: [] });
      const page = pages.at(-1)!;
      const to = Math.min(batch.rows, from + pageRows - page.rows);
      page.parts.push({ batch, from, to });
      page.rows += to - from;
      from = to;
    }
  }
  return pages;
}

export function pageBytes({ parts }: Page, columns: readonly string[]): number {
  let bytes = 0;
  for (const { batch, from, to } of parts) {
    for (const name of columns) bytes += bytesOf(batch.columns[name]!, from, to);
  }
  return bytes;
}

export function readPage({ rows, parts }: Page, columns: readonly string[]): ColumnBatch {
  const cut = (column: StoredColumn, from: number, to: number) =>
    column instanceof Float64Array ? column.subarray(from, to) : column.slice(from, to);
  const joined = joinBatches(
    parts.map(({ batch, from, to }) => ({
      rows: to - from,
      bytes: 0,
      columns: Object.fromEntries(columns.map((name) => [name, cut(batch.columns[name]!, from, to)])),
    })),
  );
  const presented = Object.entries(joined.columns).map(([name, column]) => [
    name,
    column instanceof Float64Array ? presentInts(column) : (column as TextValues),
  ]);
  return { rows, columns: Object.fromEntries(presented) };
}
