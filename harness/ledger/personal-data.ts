/**
 * Raw personal data in what a plane stored. Every file is searched byte by byte; Parquet and DuckDB files, which
 * compress what they hold, are also opened and their columns of text searched value by value.
 */
import { copyFile, mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { withDuckDb } from '../ports/duckdb.js';
import { quoteIdentifier, quoteText, readColumns } from '../ports/duckdb-columns.js';
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
  const files = filesIn(paths);
  const searchTexts = async (connection: DuckDBConnection, { path, kind }: Compressed) => {
    const texts = kind === 'parquet' ? parquetTexts(connection, path) : databaseTexts(connection, path);
    const foundIn = new Map<string, Set<number>>();
    for await (const { place, text } of texts) {
      const found = foundIn.get(place) ?? new Set();
      search.find(text, found);
      foundIn.set(place, found);
    }
    for (const [place, found] of foundIn) report(path, place, found);
  };
  /** Up to the first file that a database must open: many planes, and every simulated one, have none. */
  const searchPlain = async (): Promise<Compressed | null> => {
    for await (const path of files) {
      report(path, '', await searchBytes(path, search));
      const kind = await kindOf(path);
      if (kind !== 'other') return { path, kind };
    }
    return null;
  };
  const searchFiles = async () => {
    const first = await searchPlain();
    if (!first) return;
    await withDuckDb(async (connection) => {
      for (let next: Compressed | null = first; next; next = await searchPlain()) await searchTexts(connection, next);
    });
  };
  // Most files are small and most of the time is waiting for each: the lanes draw from one list.
  await Promise.all(Array.from({ length: lanes }, searchFiles));
  return leaks;
}

const lanes = 3;

/** A file whose bytes do not show the texts in it. */
interface Compressed {
  readonly path: string;
  readonly kind: 'parquet' | 'duckdb';
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

/** Values of one column, some of them. */
interface Texts {
  readonly place: string;
  readonly text: Uint8Array;
}

/** A file that was being written when its process died is no Parquet yet: nobody can read it, its bytes were searched. */
async function* parquetTexts(connection: DuckDBConnection, path: string): AsyncIterable<Texts> {
  const relation = `read_parquet(${quoteText(path)})`;
  const columns = await textColumns(connection, relation).catch(() => []);
  for await (const { column, text } of distinctTexts(connection, relation, columns)) {
    yield { place: `column ${column}`, text };
  }
}

/** A copy is opened, with its write-ahead log: what a plane stored is evidence and stays as it is. */
async function* databaseTexts(connection: DuckDBConnection, path: string): AsyncIterable<Texts> {
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
      const columns = await textColumns(connection, relation);
      for await (const { column, text } of distinctTexts(connection, relation, columns)) {
        yield { place: `table ${table}, column ${column}`, text };
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

const textSchema = [
  { name: 'column', type: 'int', nullable: false },
  { name: 'value', type: 'text', nullable: true },
] as const;

/** One statement for all columns: a plane may have hundreds of small files, and a statement costs more than their rows. */
async function* distinctTexts(
  connection: DuckDBConnection,
  relation: string,
  columns: readonly string[],
): AsyncIterable<{ readonly column: string; readonly text: Uint8Array }> {
  if (columns.length === 0) return;
  const values = columns.map(
    (column, i) => `SELECT ${i} AS "column", CAST(${quoteIdentifier(column)} AS VARCHAR) AS value FROM ${relation}`,
  );
  // Distinct over all: of several large DISTINCT in a UNION ALL, streamed, DuckDB 1.5 never ends (a million values each).
  const query = `SELECT DISTINCT "column", value FROM (${values.join(' UNION ALL ')})`;
  for await (const batch of readColumns(connection, query, textSchema)) {
    const texts = columns.map((): string[] => []);
    for (let row = 0; row < batch.rows; row++) {
      texts[batch.columns.column?.[row] as number]?.push((batch.columns.value?.[row] as string | null) ?? '');
    }
    for (const [i, column] of columns.entries()) {
      if (texts[i]?.length) yield { column, text: Buffer.from(texts[i].join('\n')) };
    }
  }
}
