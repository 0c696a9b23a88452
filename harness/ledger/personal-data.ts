/**
 * Raw personal data in what a plane stored. Every file is searched byte by byte; Parquet and DuckDB files, which
 * compress what they hold, are also opened and their columns of text searched value by value.
 */
import { copyFile, mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteIdentifier, quoteText, readColumns } from '../ports/duckdb-columns.js';
import { withDuckDb } from '../record/column-files.js';
import { type ByteSearch, createByteSearch } from './byte-search.js';

export interface Leak {
  readonly path: string;
  /** The table and column, where it was found in one; empty: in the file's bytes. */
  readonly place: string;
  readonly needle: string;
}

/** Each file and needle once, and each column and needle once. `paths` are files and folders; absent ones hold nothing. */
export async function searchStored(paths: readonly string[], needles: readonly string[]): Promise<Leak[]> {
  const distinct = [...new Set(needles)];
  if (distinct.length === 0) return [];
  const search = createByteSearch(distinct.map((needle) => Buffer.from(needle)));
  const leaks: Leak[] = [];
  const report = (path: string, place: string, found: ReadonlySet<number>) => {
    for (const index of found) leaks.push({ path, place, needle: distinct[index]! });
  };
  await withDuckDb(async (connection) => {
    for await (const path of filesIn(paths)) {
      report(path, '', await searchBytes(path, search));
      const kind = await kindOf(path);
      if (kind === 'other') continue;
      const columns = kind === 'parquet' ? parquetColumns(connection, path) : databaseColumns(connection, path);
      for await (const { place, texts } of columns) {
        const found = new Set<number>();
        for await (const text of texts) search.find(text, found);
        report(path, place, found);
      }
    }
  });
  return leaks;
}

async function* filesIn(paths: readonly string[]): AsyncIterable<string> {
  for (const path of paths) {
    const found = await stat(path).catch(() => null);
    if (found?.isFile()) yield path;
    if (!found?.isDirectory()) continue;
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    for (const entry of entries) if (entry.isFile()) yield join(entry.parentPath, entry.name);
  }
}

const pieceBytes = 4 * 1024 * 1024;

async function searchBytes(path: string, search: ByteSearch): Promise<Set<number>> {
  const found = new Set<number>();
  const carried = search.longest - 1;
  const piece = Buffer.alloc(carried + pieceBytes);
  let kept = 0;
  const file = await open(path);
  try {
    for (;;) {
      const { bytesRead } = await file.read(piece, kept, pieceBytes, null);
      if (bytesRead === 0) return found;
      const length = kept + bytesRead;
      search.find(piece.subarray(0, length), found);
      kept = Math.min(carried, length);
      piece.copyWithin(0, length - kept, length);
    }
  } finally {
    await file.close();
  }
}

/** By the magic bytes, at the start of a Parquet file and at byte 8 of a DuckDB file. */
async function kindOf(path: string): Promise<'parquet' | 'duckdb' | 'other'> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(12), 0, 12, 0);
    if (buffer.toString('latin1', 0, 4) === 'PAR1') return 'parquet';
    return buffer.toString('latin1', 8, 12) === 'DUCK' ? 'duckdb' : 'other';
  } finally {
    await file.close();
  }
}

interface TextColumn {
  readonly place: string;
  readonly texts: AsyncIterable<Uint8Array>;
}

/** A file that was being written when its process died is no Parquet yet: nobody can read it, its bytes were searched. */
async function* parquetColumns(connection: DuckDBConnection, path: string): AsyncIterable<TextColumn> {
  const relation = `read_parquet(${quoteText(path)})`;
  const columns = await textColumns(connection, relation).catch(() => []);
  for (const column of columns) {
    yield { place: `column ${column}`, texts: distinctTexts(connection, relation, column) };
  }
}

/** A copy is opened, with its write-ahead log: what a plane stored is evidence and stays as it is. */
async function* databaseColumns(connection: DuckDBConnection, path: string): AsyncIterable<TextColumn> {
  const folder = await mkdtemp(join(tmpdir(), 'planebench-search-'));
  const copy = join(folder, basename(path));
  try {
    await copyFile(path, copy);
    if (await stat(`${path}.wal`).catch(() => null)) await copyFile(`${path}.wal`, `${copy}.wal`);
    await connection.run(`ATTACH ${quoteText(copy)} AS searched`);
    const tables = await connection.runAndReadAll(
      `SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'searched'`,
    );
    for (const [schema, table] of tables.getRows() as [string, string][]) {
      const relation = `searched.${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
      for (const column of await textColumns(connection, relation)) {
        yield { place: `table ${table}, column ${column}`, texts: distinctTexts(connection, relation, column) };
      }
    }
  } finally {
    await connection.run('DETACH DATABASE IF EXISTS searched');
    await rm(folder, { recursive: true });
  }
}

/** Everything but numbers, booleans and times: texts, bytes, and nested values that may hold them. */
async function textColumns(connection: DuckDBConnection, relation: string): Promise<string[]> {
  const described = await connection.runAndReadAll(`DESCRIBE FROM ${relation}`);
  const plain = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|BOOLEAN|FLOAT|DOUBLE|DECIMAL\(.*\)|DATE|TIME.*|INTERVAL|UUID)$/;
  return (described.getRows() as string[][]).filter(([, type]) => !plain.test(type!)).map(([name]) => name!);
}

async function* distinctTexts(
  connection: DuckDBConnection,
  relation: string,
  column: string,
): AsyncIterable<Uint8Array> {
  const query = `SELECT DISTINCT CAST(${quoteIdentifier(column)} AS VARCHAR) AS value FROM ${relation}`;
  const schema = [{ name: 'value', type: 'text', nullable: true }] as const;
  for await (const { columns } of readColumns(connection, query, schema)) {
    yield Buffer.from((columns.value as (string | null)[]).join('\n'));
  }
}
