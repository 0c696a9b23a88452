/**
 * Column sets of facts as Parquet files. A column keeps its width (Uint8Array is UTINYINT, Uint32Array UINTEGER,
 * Float64Array DOUBLE), so what is read back is what was written, bit for bit, infinities included, and any other
 * Parquet reader sees plain numbers.
 */
import { rename } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { HarnessError, messageOf } from '../errors.js';
import { duckDb, duckDbCalls } from '../ports/duckdb.js';
import { quoteText } from '../ports/duckdb-columns.js';

export type ColumnKind = 'f64' | 'u32' | 'u8';
export interface ColumnArrays {
  readonly f64: Float64Array;
  readonly u32: Uint32Array;
  readonly u8: Uint8Array;
}
/** The columns of a set: names and kinds, in order. */
export type Layout = Readonly<Record<string, ColumnKind>>;
export type Columns<L extends Layout> = { readonly [Name in keyof L]: ColumnArrays[L[Name]] } & {
  readonly rows: number;
};

const duckNames = { f64: 'DOUBLE', u32: 'UINTEGER', u8: 'UTINYINT' };
/** Rows of a DuckDB vector: its data chunks hold no more. */
const chunkRows = 2048;

export function allocateColumns<L extends Layout>(layout: L, rows: number): Columns<L> {
  const columns: Record<string, unknown> = { rows };
  for (const [name, kind] of Object.entries(layout)) columns[name] = allocateColumn(kind, rows);
  return columns as Columns<L>;
}

export function allocateColumn(kind: ColumnKind, rows: number): Float64Array | Uint32Array | Uint8Array {
  return kind === 'f64' ? new Float64Array(rows) : kind === 'u32' ? new Uint32Array(rows) : new Uint8Array(rows);
}

/** Writes the set under a temporary name and moves it to `path` when it is whole. */
export async function writeColumnFile<L extends Layout>(
  connection: DuckDBConnection,
  path: string,
  layout: L,
  columns: Columns<L>,
): Promise<void> {
  for (const name of Object.keys(layout)) {
    const { length } = columns[name] as Float64Array;
    if (length !== columns.rows)
      throw new HarnessError(`${path}: column ${name} has ${length} values, expected ${columns.rows}, one a row`);
  }
  await createStage(connection, 'column_set', layout);
  await appendToStage(connection, 'column_set', layout, columns);
  await copyTo(connection, 'column_set', path);
}

/** An empty temporary table for columns of this layout, in place of any of that name. */
async function createStage(connection: DuckDBConnection, table: string, layout: Layout): Promise<void> {
  const definitions = Object.entries(layout).map(([name, kind]) => `"${name}" ${duckNames[kind]}`);
  await connection.run(`CREATE OR REPLACE TEMP TABLE ${table} (${definitions.join(', ')})`);
}

/** Appends the first `columns.rows` values of each column. */
async function appendToStage<L extends Layout>(
  connection: DuckDBConnection,
  table: string,
  layout: L,
  columns: Columns<L>,
): Promise<void> {
  const { DOUBLE, UINTEGER, UTINYINT, DuckDBDataChunk } = duckDb();
  const calls = duckDbCalls();
  const duckTypes = { f64: DOUBLE, u32: UINTEGER, u8: UTINYINT };
  const names = Object.keys(layout);
  const types = names.map((name) => duckTypes[layout[name] as ColumnKind]);
  const appender = await connection.createAppender(table);
  for (let from = 0; from < columns.rows; from += chunkRows) {
    const to = Math.min(from + chunkRows, columns.rows);
    const chunk = DuckDBDataChunk.create(types, to - from);
    names.forEach((name, at) => {
      const values = (columns[name] as Float64Array).subarray(from, to);
      // A vector of these types is an array of the same bytes: copied whole, not value by value.
      const vector = calls.data_chunk_get_vector(chunk.chunk, at);
      calls.copy_data_to_vector(vector, 0, values.buffer as ArrayBuffer, values.byteOffset, values.byteLength);
    });
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
}

/** Writes a table or subquery as a Parquet file, under a temporary name until it is whole. */
export async function copyTo(connection: DuckDBConnection, relation: string, path: string): Promise<void> {
  const partial = `${path}.partial`;
  await connection.run(`COPY (FROM ${relation}) TO ${quoteText(partial)} (FORMAT parquet, COMPRESSION zstd)`);
  await rename(partial, path);
}

/** Reads the set back; throws if the file is not the set that was described. */
export async function readColumnFile<L extends Layout>(
  connection: DuckDBConnection,
  path: string,
  layout: L,
): Promise<Columns<L>> {
  try {
    await checkColumns(connection, path, layout);
    const counted = await connection.runAndReadAll(`SELECT count(*)::DOUBLE FROM read_parquet(${quoteText(path)})`);
    const columns = allocateColumns(layout, counted.value(0, 0) as number);
    const names = Object.keys(layout);
    const select = names.map((name) => `"${name}"`).join(', ');
    const result = await connection.stream(`SELECT ${select} FROM read_parquet(${quoteText(path)})`);
    let row = 0;
    for await (const chunk of result) {
      const count = chunk.rowCount; // asked of the library each time
      names.forEach((name, at) => {
        const vector = chunk.getColumnVector(at);
        const column = columns[name] as Float64Array;
        for (let i = 0; i < count; i++) {
          const value = vector.getItem(i) as number | null;
          if (value === null) throw new HarnessError(`column ${name} has no value in row ${row + i}`);
          column[row + i] = value;
        }
      });
      row += count;
    }
    return columns;
  } catch (cause) {
    throw new HarnessError(
      `${path} cannot be read: ${messageOf(cause)}. It is damaged or was not written by this version; run the scenario again.`,
      { cause },
    );
  }
}

async function checkColumns(connection: DuckDBConnection, path: string, layout: Layout): Promise<void> {
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM read_parquet(${quoteText(path)})`);
  const found = described.getRows().map(([name, type]) => `${name} ${type}`);
  const expected = Object.entries(layout).map(([name, kind]) => `${name} ${duckNames[kind]}`);
  if (found.join(', ') !== expected.join(', '))
    throw new HarnessError(`its columns are (${found.join(', ')}), expected (${expected.join(', ')})`);
}
