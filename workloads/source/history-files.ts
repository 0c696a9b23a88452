/** History on disk: one Parquet file a table, written and read by DuckDB. */
import type { Hash } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Column, ColumnBatch, IntValues, TextValues } from '../../harness/ports/columns.js';
import { withDuckDb } from '../../harness/ports/duckdb.js';
import { appendColumns, createTableSql, quoteText, readColumns } from '../../harness/ports/duckdb-columns.js';
import { historySchemas } from '../fact-schemas.js';
import type { HistoryPart, HistoryTable } from './history.js';

export const historyTables = Object.keys(historySchemas) as HistoryTable[];

const threads = 2;

export function historyPath(directory: string, table: HistoryTable): string {
  return join(directory, `${table}.parquet`);
}

/** Takes the parts one by one: memory is that of a part. */
export async function writeHistory(
  directory: string,
  history: Iterable<HistoryPart>,
): Promise<{ readonly parquetBytes: number; readonly columnBytes: number }> {
  await mkdir(directory, { recursive: true });
  const parts = new Map<HistoryTable, string[]>();
  let bytes = 0;
  await withDuckDb(async (connection) => {
    for (const { table, batch } of history) {
      const before = parts.get(table) ?? [];
      const path = `${historyPath(directory, table)}.part-${before.length}`;
      parts.set(table, [...before, path]);
      bytes += columnBytes(table, batch);
      const schema = historySchemas[table];
      await connection.run(createTableSql(table, schema, 'TEMP TABLE'));
      await appendColumns(connection, table, schema, batch);
      await connection.run(`COPY ${table} TO ${quoteText(path)} (FORMAT parquet)`);
      await connection.run(`DROP TABLE ${table}`);
    }
    for (const [table, paths] of parts) {
      await joinParts(connection, paths, historyPath(directory, table));
    }
  }, threads);
  const sizes = await Promise.all(historyTables.map((table) => stat(historyPath(directory, table))));
  return { parquetBytes: sizes.reduce((sum, { size }) => sum + size, 0), columnBytes: bytes };
}

/** In their order, by a copy that DuckDB streams. */
async function joinParts(connection: DuckDBConnection, parts: readonly string[], path: string): Promise<void> {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return rename(only, path);
  await connection.run(
    `COPY (FROM read_parquet([${parts.map(quoteText).join(', ')}])) TO ${quoteText(path)} (FORMAT parquet)`,
  );
  for (const part of parts) await rm(part);
}

/** Bytes of the columns uncompressed: 8 per integer, the UTF-8 length per text. */
function columnBytes(table: HistoryTable, batch: ColumnBatch): number {
  let bytes = 0;
  for (const { name, type } of historySchemas[table] as readonly Column[]) {
    const values = batch.columns[name] as IntValues | TextValues;
    if (type === 'int') bytes += 8 * values.length;
    else for (const text of values as TextValues) bytes += Buffer.byteLength(text ?? '');
  }
  return bytes;
}

/** Canonical bytes: tables and columns in the order of their schemas; integers as float64, texts ended by a zero. */
export async function hashHistoryFiles(hash: Hash, directory: string): Promise<void> {
  await withDuckDb(async (connection) => {
    for (const table of historyTables)
      for (const column of historySchemas[table] as readonly Column[]) {
        const query = `SELECT ${column.name} FROM ${quoteText(historyPath(directory, table))}`;
        for await (const { columns } of readColumns(connection, query, [column]))
          hashValues(hash, column.type, columns[column.name] as IntValues | TextValues);
      }
  }, threads);
}

function hashValues(hash: Hash, type: Column['type'], values: IntValues | TextValues): void {
  if (type === 'int') {
    const numbers = Float64Array.from(values as ArrayLike<number>);
    hash.update(new Uint8Array(numbers.buffer));
  } else hash.update(`${values.join('\0')}\0`, 'utf8');
}
