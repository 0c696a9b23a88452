/**
 * Columns into and out of DuckDB, a vector at a time.
 *
 * The value API of @duckdb/node-api makes one bigint or string an item. Here `int` columns are copied as the two 32-bit
 * words of a BIGINT, and texts of up to 12 bytes, which DuckDB keeps inside its 16-byte `string_t`, are encoded and
 * decoded once for each distinct value. Both rely on a little-endian machine, as DuckDB itself does.
 */
import type { DuckDBConnection, DuckDBPreparedStatement, DuckDBTypeId } from '@duckdb/node-api';
import type duckdb from '@duckdb/node-bindings';
import type { Column, ColumnBatch, IntValues, Schema, TextValues } from './columns.js';
import { duckDb, duckDbCalls } from './duckdb.js';

export function createTableSql(table: string, schema: Schema, kind: 'TABLE' | 'TEMP TABLE' = 'TABLE'): string {
  const columns = schema.map(
    ({ name, type, nullable }) =>
      `${quoteIdentifier(name)} ${type === 'int' ? 'BIGINT' : 'VARCHAR'}${nullable ? '' : ' NOT NULL'}`,
  );
  return `CREATE ${kind} ${quoteIdentifier(table)} (${columns.join(', ')})`;
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * Appends the rows of `batch` to `table`, whose columns are those of `schema` in order. Inside a transaction it is part
 * of it; outside, DuckDB commits every 100,000 rows or so.
 */
export async function appendColumns(
  connection: DuckDBConnection,
  table: string,
  schema: Schema,
  batch: ColumnBatch,
): Promise<void> {
  const columns = schema.map((column) => ({ column, values: valuesOf(batch, column) }));
  const appender = await connection.createAppender(table);
  try {
    const { BIGINT, VARCHAR, DuckDBDataChunk } = duckDb();
    const calls = duckDbCalls();
    const types = schema.map(({ type }) => (type === 'int' ? BIGINT : VARCHAR));
    const capacity = calls.vector_size();
    for (let from = 0; from < batch.rows; from += capacity) {
      const rows = Math.min(capacity, batch.rows - from);
      const chunk = DuckDBDataChunk.create(types, rows);
      for (const [index, { column, values }] of columns.entries()) {
        const vector = calls.data_chunk_get_vector(chunk.chunk, index);
        if (column.type === 'int') writeInts(vector, column, values as IntValues, from, rows);
        else writeTexts(vector, column, values as TextValues, from, rows);
      }
      appender.appendDataChunk(chunk);
    }
    appender.flushSync();
  } catch (error) {
    appender.clear();
    throw error;
  } finally {
    appender.closeSync();
  }
}

/**
 * Streams the rows that a query answers, the columns of `schema` found by name. Integers without nulls come as
 * Float64Array, others as plain arrays. The connection is busy until the iteration ends: give each stream its own.
 */
export async function* readColumns(
  connection: DuckDBConnection,
  query: string | DuckDBPreparedStatement,
  schema: Schema,
): AsyncIterable<ColumnBatch> {
  const result = typeof query === 'string' ? await connection.stream(query) : await query.stream();
  const names = result.columnNames();
  const readers = schema.map((column) => {
    const index = names.indexOf(column.name);
    if (index < 0) throw new Error(`The query answers no column ${column.name}; it has ${names.join(', ')}.`);
    return { index, name: column.name, read: readerOf(column, result.columnTypeId(index)) };
  });
  const calls = duckDbCalls();
  for (let chunk = await result.fetchChunk(); chunk !== null; chunk = await result.fetchChunk()) {
    const rows = chunk.rowCount;
    if (rows === 0) return;
    const columns: Record<string, IntValues | TextValues> = {};
    for (const { index, name, read } of readers) {
      columns[name] = read(calls.data_chunk_get_vector(chunk.chunk, index), rows);
    }
    yield { rows, columns };
  }
}

function valuesOf(batch: ColumnBatch, { name }: Column): IntValues | TextValues {
  const values = batch.columns[name];
  if (values === undefined) {
    throw new Error(`The batch has no column ${name}; it has ${Object.keys(batch.columns).join(', ')}.`);
  }
  if (values.length < batch.rows) {
    throw new Error(`Column ${name} has ${values.length} values in a batch of ${batch.rows} rows.`);
  }
  return values;
}

const wordRange = 0x1_0000_0000;
/** Integers beyond 2^53 have no exact double. */
const highestWord = 0x20_0000;

function writeInts(vector: duckdb.Vector, column: Column, values: IntValues, from: number, rows: number): void {
  const words = new Int32Array(2 * rows);
  const whole = !(Array.isArray(values) || values instanceof Float64Array);
  const validity = new Validity(rows);
  for (let i = 0; i < rows; i++) {
    const value = values[from + i];
    if (value === null || value === undefined) {
      validity.setNull(i, column, from + i);
      continue;
    }
    if (!whole && !Number.isSafeInteger(value)) {
      throw new Error(`Column ${column.name}, row ${from + i}: ${value} is not an integer below 2^53.`);
    }
    words[2 * i] = value;
    words[2 * i + 1] = Math.floor(value / wordRange);
  }
  duckDbCalls().copy_data_to_vector(vector, 0, words.buffer, 0, words.byteLength);
  validity.writeTo(vector);
}

const inlineBytes = 12;
const itemBytes = 16;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
/** Distinct short texts met while writing one vector, at most. */
const rememberedTexts = 256;

function writeTexts(vector: duckdb.Vector, column: Column, values: TextValues, from: number, rows: number): void {
  const items = new Uint8Array(itemBytes * rows);
  const lengths = new Uint32Array(items.buffer);
  const validity = new Validity(rows);
  const rowOf = new Map<string, number>();
  const long: [row: number, bytes: Uint8Array][] = [];
  for (let i = 0; i < rows; i++) {
    const value = values[from + i];
    if (value === null || value === undefined) {
      validity.setNull(i, column, from + i);
      continue;
    }
    const known = rowOf.get(value);
    if (known !== undefined) {
      items.copyWithin(itemBytes * i, itemBytes * known, itemBytes * (known + 1));
      continue;
    }
    const at = itemBytes * i + 4;
    const short =
      value.length <= inlineBytes ? encoder.encodeInto(value, items.subarray(at, at + inlineBytes)) : { read: -1 };
    if (short.read === value.length) {
      lengths[4 * i] = (short as { written: number }).written;
      if (rowOf.size < rememberedTexts) rowOf.set(value, i);
    } else {
      items.fill(0, at, at + inlineBytes);
      long.push([i, encoder.encode(value)]);
    }
  }
  const calls = duckDbCalls();
  calls.copy_data_to_vector(vector, 0, items.buffer, 0, items.byteLength);
  for (const [row, bytes] of long) calls.vector_assign_string_element_len(vector, row, bytes);
  validity.writeTo(vector);
}

/** A vector's validity mask: bit i clear means that item i is null. No mask at all while nothing is null. */
class Validity {
  private bits: Uint8Array<ArrayBuffer> | undefined;
  constructor(private readonly rows: number) {}

  setNull(i: number, column: Column, row: number): void {
    if (!column.nullable) throw new Error(`Column ${column.name}, row ${row}: null in a column that is not nullable.`);
    this.bits ??= new Uint8Array(validityBytes(this.rows)).fill(0xff);
    this.bits[i >> 3]! &= ~(1 << (i & 7));
  }

  writeTo(vector: duckdb.Vector): void {
    if (this.bits === undefined) return;
    const calls = duckDbCalls();
    calls.vector_ensure_validity_writable(vector);
    calls.copy_data_to_vector_validity(vector, 0, this.bits.buffer, 0, this.bits.byteLength);
  }
}

function validityBytes(rows: number): number {
  return Math.ceil(rows / 64) * 8;
}

/** The mask of a vector's nulls, null if it has none: DuckDB may hand out a mask in which every bit is set. */
function nullsOf(vector: duckdb.Vector, rows: number): Uint8Array | null {
  const bits = duckDbCalls().vector_get_validity(vector, validityBytes(rows)) as Uint8Array | null;
  if (bits === null) return null;
  const whole = rows >> 3;
  for (let byte = 0; byte < whole; byte++) if (bits[byte] !== 0xff) return bits;
  for (let i = whole << 3; i < rows; i++) if (isNull(bits, i)) return bits;
  return null;
}

function isNull(bits: Uint8Array, i: number): boolean {
  return (bits[i >> 3]! & (1 << (i & 7))) === 0;
}

type Reader = (vector: duckdb.Vector, rows: number) => IntValues | TextValues;

function readerOf(column: Column, type: DuckDBTypeId): Reader {
  const { DuckDBTypeId } = duckDb();
  if (column.type === 'text' && type === DuckDBTypeId.VARCHAR) return textReader();
  if (column.type === 'int' && type === DuckDBTypeId.BIGINT) return (vector, rows) => readBigInts(column, vector, rows);
  if (column.type === 'int' && type === DuckDBTypeId.INTEGER) return readIntegers;
  throw new Error(
    `Column ${column.name} is ${DuckDBTypeId[type]} where ${column.type} was expected; cast it to ${column.type === 'int' ? 'BIGINT' : 'VARCHAR'} in the query.`,
  );
}

function readBigInts(column: Column, vector: duckdb.Vector, rows: number): IntValues {
  const bytes = duckDbCalls().vector_get_data(vector, 8 * rows);
  const low = new Uint32Array(bytes.buffer, bytes.byteOffset, 2 * rows);
  const high = new Int32Array(bytes.buffer, bytes.byteOffset, 2 * rows);
  const nulls = nullsOf(vector, rows);
  const values = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    const word = high[2 * i + 1]!;
    if ((word >= highestWord || word < -highestWord) && !(nulls && isNull(nulls, i))) {
      throw new Error(`Column ${column.name}: a value beyond 2^53 cannot be read as int.`);
    }
    values[i] = word * wordRange + low[2 * i]!;
  }
  return withNulls(values, nulls);
}

function readIntegers(vector: duckdb.Vector, rows: number): IntValues {
  const bytes = duckDbCalls().vector_get_data(vector, 4 * rows);
  return withNulls(Float64Array.from(new Int32Array(bytes.buffer, bytes.byteOffset, rows)), nullsOf(vector, rows));
}

function withNulls(values: Float64Array, nulls: Uint8Array | null): IntValues {
  if (nulls === null) return values;
  const nullable: (number | null)[] = new Array(values.length);
  for (let i = 0; i < values.length; i++) nullable[i] = isNull(nulls, i) ? null : values[i]!;
  return nullable;
}

/** Decodes each distinct short text once, as long as it stays in a small direct-mapped table. */
function textReader(): Reader {
  const slots = 256;
  const seen = new Int32Array(4 * slots).fill(-1);
  const texts: string[] = new Array(slots);
  const calls = duckDbCalls();
  return (vector, rows) => {
    const bytes = calls.vector_get_data(vector, itemBytes * rows);
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, 4 * rows);
    const nulls = nullsOf(vector, rows);
    const values: (string | null)[] = new Array(rows);
    for (let i = 0; i < rows; i++) {
      if (nulls && isNull(nulls, i)) {
        values[i] = null;
        continue;
      }
      const at = 4 * i;
      const length = words[at]!;
      if (length > inlineBytes) {
        const start = bytes.byteOffset + itemBytes * i + 8;
        values[i] = decoder.decode(calls.get_data_from_pointer(bytes.buffer as ArrayBuffer, start, length));
        continue;
      }
      const hash = words[at + 1]! ^ Math.imul(words[at + 2]!, 0x9e3779b1) ^ Math.imul(words[at + 3]!, 0x85ebca6b);
      const slot = ((hash ^ (hash >>> 8) ^ (hash >>> 16) ^ length) & (slots - 1)) * 4;
      if (
        seen[slot] !== length ||
        seen[slot + 1] !== words[at + 1] ||
        seen[slot + 2] !== words[at + 2] ||
        seen[slot + 3] !== words[at + 3]
      ) {
        texts[slot >> 2] = decoder.decode(bytes.subarray(itemBytes * i + 4, itemBytes * i + 4 + length));
        for (let word = 0; word < 4; word++) seen[slot + word] = words[at + word]!;
      }
      values[i] = texts[slot >> 2]!;
    }
    return values;
  };
}
