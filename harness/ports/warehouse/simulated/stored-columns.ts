/** Columns as the simulated warehouse holds them: a batch is never changed, so tables, scans and views share it. */
import { CallError } from '../../../errors.js';
import { serverNumbers } from '../../../simulation/server-memory.js';
import type { Column, ColumnBatch, IntValues, Schema, TextValues } from '../../columns.js';

/** Integers, where NaN is null, or texts. */
export type StoredColumn = Float64Array | TextValues;

export interface StoredBatch {
  readonly rows: number;
  /** An estimate of what it takes on a disk or a wire. */
  readonly bytes: number;
  readonly columns: Readonly<Record<string, StoredColumn>>;
}

export const intBytes = 8;

/** A copy of the rows, as a network makes one: the caller may use his columns again. */
export function copyBatch({ rows, columns }: ColumnBatch): StoredBatch {
  let bytes = 0;
  const copied = Object.entries(columns).map(([name, values]) => {
    if (values.length < rows)
      throw new CallError('failed', `column ${name} has ${values.length} values in a batch of ${rows} rows`);
    const column = isText(values, rows) ? copyTexts(name, values, rows) : copyInts(name, values as IntValues, rows);
    bytes += bytesOf(column, 0, rows);
    return [name, column] as const;
  });
  return { rows, bytes, columns: Object.fromEntries(copied) };
}

/** The batch with the columns of `schema`; nulls are only where they may be. */
export function conformBatch(table: string, schema: Schema, batch: StoredBatch): StoredBatch {
  const columns = schema.map((column) => [column.name, conformColumn(table, column, batch)] as const);
  return { rows: batch.rows, bytes: batch.bytes, columns: Object.fromEntries(columns) };
}

export function joinBatches(batches: readonly StoredBatch[]): StoredBatch {
  if (batches.length === 1) return batches[0]!;
  const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
  const bytes = batches.reduce((sum, batch) => sum + batch.bytes, 0);
  const columns = Object.keys(batches[0]?.columns ?? {}).map((name) => [
    name,
    joinColumns(
      batches.map((batch) => batch.columns[name]!),
      rows,
    ),
  ]);
  return { rows, bytes, columns: Object.fromEntries(columns) };
}

/** The `rows` of the batch, in their order. */
export function pickRows(batch: StoredBatch, rows: readonly number[]): StoredBatch {
  const columns = Object.entries(batch.columns).map(([name, column]) => [
    name,
    column instanceof Float64Array ? pickInts(column, rows) : rows.map((row) => column[row]!),
  ]);
  const bytes = Math.round((batch.bytes * rows.length) / Math.max(1, batch.rows));
  return { rows: rows.length, bytes, columns: Object.fromEntries(columns) };
}

/** A loop: `Float64Array.from` takes ten times as long, and every merge of changes passes here. */
function pickInts(column: Float64Array, rows: readonly number[]): Float64Array {
  const picked = serverNumbers(rows.length);
  for (let i = 0; i < rows.length; i++) picked[i] = column[rows[i]!]!;
  return picked;
}

export function bytesOf(column: StoredColumn, from: number, to: number): number {
  if (column instanceof Float64Array) return intBytes * (to - from);
  let bytes = to - from;
  for (let i = from; i < to; i++) bytes += column[i]?.length ?? 0;
  return bytes;
}

/** As others want integers: null for null, an array of numbers where there is none. */
export function presentInts(values: Float64Array): IntValues {
  if (firstNull(values) < 0) return values;
  return Array.from(values, (value) => (Number.isNaN(value) ? null : value));
}

/** A column of nulls alone could be either; it is taken for integers. */
function isText(values: IntValues | TextValues, rows: number): values is TextValues {
  if (!Array.isArray(values)) return false;
  for (let i = 0; i < rows; i++) if (values[i] != null) return typeof values[i] === 'string';
  return false;
}

function copyInts(name: string, values: IntValues, rows: number): Float64Array {
  const copy = serverNumbers(rows);
  for (let i = 0; i < rows; i++) {
    const value = values[i] ?? null;
    if (value !== null && !Number.isSafeInteger(value))
      throw new CallError('failed', `column ${name}, row ${i}: ${value} is not an integer below 2^53`);
    copy[i] = value ?? Number.NaN;
  }
  return copy;
}

function copyTexts(name: string, values: TextValues, rows: number): TextValues {
  const copy = values.slice(0, rows);
  for (let i = 0; i < rows; i++) {
    const value = copy[i] ?? null;
    if (value !== null && typeof value !== 'string')
      throw new CallError('failed', `column ${name}, row ${i}: ${value} among texts`);
    copy[i] = value;
  }
  return copy;
}

function conformColumn(table: string, { name, type, nullable }: Column, { rows, columns }: StoredBatch): StoredColumn {
  const column = columns[name];
  if (column === undefined) {
    const given = Object.keys(columns).join(', ');
    throw new CallError('failed', `a batch for table '${table}' has no column ${name}; it has ${given}`);
  }
  const nullRow = nullable ? -1 : firstNull(column);
  if (nullRow >= 0)
    throw new CallError('failed', `table '${table}', column ${name}, row ${nullRow}: null, which it may not be`);
  if (type === (column instanceof Float64Array ? 'int' : 'text')) return column;
  if (type === 'text' && (column as Float64Array).every(Number.isNaN)) return new Array<null>(rows).fill(null);
  throw new CallError('failed', `table '${table}', column ${name}: values of another type than ${type}`);
}

/** -1: none. */
function firstNull(column: StoredColumn): number {
  if (!(column instanceof Float64Array)) return column.indexOf(null);
  for (let i = 0; i < column.length; i++) if (Number.isNaN(column[i])) return i;
  return -1;
}

function joinColumns(columns: readonly StoredColumn[], rows: number): StoredColumn {
  if (!(columns[0] instanceof Float64Array))
    return ([] as (string | null)[]).concat(...(columns as readonly TextValues[]));
  const joined = serverNumbers(rows);
  let at = 0;
  for (const column of columns as readonly Float64Array[]) {
    joined.set(column, at);
    at += column.length;
  }
  return joined;
}
