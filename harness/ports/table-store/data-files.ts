/**
 * Data files: Parquet, written once under a name of its own, immutable. A file is in the table only when a commit adds
 * it; until then nobody sees it, and if that never happens `vacuum` finds it by its name. How they are read again is in
 * read-files.ts.
 */
import { randomUUID } from 'node:crypto';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Clock } from '../../clock.js';
import { CallError, messageOf } from '../../errors.js';
import type { Schema } from '../columns.js';
import { quoteIdentifier, quoteText } from '../duckdb-columns.js';
import type { Action, AddFile, RemoveFile } from './delta/actions.js';
import type { CommitResult, DeltaLog } from './delta/log.js';
import type { ObjectStore, Reading } from './delta/object-store.js';
import type { FileStatistics } from './delta/statistics.js';
import type { TableState } from './delta/table-state.js';
import type { Engine } from './engine.js';
import { encodePartitionValue, partitionFolder } from './layout.js';
import type { ReadTimes } from './read-times.js';

/** What the operations of one table store share, but for `reading`: each has its own. */
export interface Tables {
  readonly objects: ObjectStore;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly reads: ReadTimes;
  /** Id of the run that writes here. */
  readonly run: string | null;
  readonly reading: Reading;
  /** By table, the files of no version that the last vacuum of this process found, and since when it has. */
  readonly strays: Map<string, ReadonlyMap<string, number>>;
  log(table: string): DeltaLog;
}

export interface DataFileMarks {
  readonly dataChange: boolean;
  /** Columns by which the rows are sorted, outermost first, or `zorder` of the columns that they are clustered by. */
  readonly clusteredBy?: readonly string[];
  /** Of a file that becomes warm: the bytes of those whose rows it takes over. */
  readonly warmOf?: number;
}

/** Rows to write: of a table or function of DuckDB, those for which all of `where` holds. */
export interface RowsToWrite {
  readonly from: string;
  readonly where?: readonly string[];
  readonly orderBy?: readonly string[];
}

/** Longer texts are no bounds in the log: they would be repeated in every checkpoint and skip little. */
const longestTextBound = 64;
const clusteredByTag = 'planebench.clusteredBy';
const hotBytesTag = 'planebench.hotBytes';
const runTag = 'planebench.run';

/**
 * Written fast, as most files are soon written again; what has become warm is not. Of a million rows level 9 takes 8 % of
 * the bytes off, and 2.7 times as long; level 19 12 %, and 26 times as long.
 */
const hotLevel = 1;
const warmLevel = 9;

/** Data files that no commit has added yet. Until one does, `discard` takes back what was written. */
export interface Draft {
  readonly files: readonly AddFile[];
  /** Writes rows, at least one, as a file, or as one for each combination of partition values. */
  write(connection: DuckDBConnection, rows: RowsToWrite, marks: DataFileMarks): Promise<void>;
  discard(): Promise<void>;
}

export function draftFiles(tables: Tables, table: string, { schema, metaData }: TableState): Draft {
  const files: AddFile[] = [];
  const { partitionColumns } = metaData;
  const stored = schema.filter(({ name }) => !partitionColumns.includes(name));

  async function write(connection: DuckDBConnection, rows: RowsToWrite, marks: DataFileMarks): Promise<void> {
    if (partitionColumns.length === 0) {
      files.push(await writeDataFile(tables, connection, { table, schema: stored, partitionValues: {}, rows, marks }));
      return;
    }
    for (const values of await distinctValues(connection, rows, partitionColumns)) {
      const partitionValues: Record<string, string> = {};
      const where = [...(rows.where ?? [])];
      for (const [i, name] of partitionColumns.entries()) {
        const value = values[i]!;
        partitionValues[name] = encodePartitionValue(table, name, value);
        where.push(`${quoteIdentifier(name)} IS NOT DISTINCT FROM ${literalOf(value)}`);
      }
      const part = { table, schema: stored, partitionValues, rows: { ...rows, where }, marks };
      files.push(await writeDataFile(tables, connection, part));
    }
  }

  return { files, write, discard: () => discardFiles(tables, table, files) };
}

/** What cannot be deleted is left to `vacuum`. */
export async function discardFiles({ objects }: Tables, table: string, files: readonly AddFile[]): Promise<void> {
  for (const { path } of files) await objects.delete(`${table}/${decodeURIComponent(path)}`).catch(() => {});
}

async function distinctValues(
  connection: DuckDBConnection,
  { from, where = [] }: RowsToWrite,
  columns: readonly string[],
): Promise<(number | string | null)[][]> {
  const names = columns.map(quoteIdentifier).join(', ');
  const found = await connection.runAndReadAll(
    `SELECT DISTINCT ${names} FROM ${from}${whereOf(where)} ORDER BY ${names}`,
  );
  return found.getRows().map((row) => row.map((value) => (typeof value === 'bigint' ? Number(value) : value))) as (
    | number
    | string
    | null
  )[][];
}

function whereOf(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
}

function literalOf(value: number | string | null): string {
  if (value === null) return 'NULL';
  return typeof value === 'number' ? String(value) : quoteText(value);
}

interface DataFileToWrite {
  readonly table: string;
  /** Without partition columns. */
  readonly schema: Schema;
  readonly partitionValues: Readonly<Record<string, string>>;
  readonly rows: RowsToWrite;
  readonly marks: DataFileMarks;
}

async function writeDataFile(
  { objects, clock, run }: Tables,
  connection: DuckDBConnection,
  { table, schema, partitionValues, rows: { from, where = [], orderBy = [] }, marks }: DataFileToWrite,
): Promise<AddFile> {
  const nowUs = clock.nowUs();
  const isWarm = marks.warmOf !== undefined;
  const path = `${isWarm ? 'warm/' : ''}${partitionFolder(partitionValues)}${dataFileName(nowUs)}`;
  const staged = await objects.stage();
  try {
    const columns = schema.map(({ name }) => quoteIdentifier(name)).join(', ');
    const order = orderBy.length === 0 ? '' : ` ORDER BY ${orderBy.map(quoteIdentifier).join(', ')}`;
    const written = await connection.runAndReadAll(
      `COPY (SELECT ${columns} FROM ${from}${whereOf(where)}${order}) TO ${quoteText(staged)}
       (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL ${isWarm ? warmLevel : hotLevel}, RETURN_STATS)`,
    );
    const [row] = written.getRowObjectsJson();
    const statistics = statisticsFrom(
      row?.column_statistics as unknown as ColumnStatistics,
      schema,
      Number(row?.count),
    );
    await objects.publish(staged, `${table}/${path}`, 'by reference');
    return {
      path: uriOf(path),
      partitionValues,
      size: Number(row?.file_size_bytes),
      modificationTime: Math.floor(nowUs / 1000),
      dataChange: marks.dataChange,
      stats: JSON.stringify(statistics),
      ...tagsOf(marks, run),
    };
  } catch (error) {
    await objects.discard(staged);
    throw new CallError('failed', `Table ${table}: a data file was not written: ${messageOf(error)}`, { cause: error });
  }
}

/** On the file, not on its commit: the log forgets commits, and a checkpoint keeps the tags of files. */
export function tagsOf(
  { clusteredBy = [], warmOf }: Pick<DataFileMarks, 'clusteredBy' | 'warmOf'>,
  run: string | null,
): Pick<AddFile, 'tags'> {
  const tags = {
    ...(clusteredBy.length > 0 ? { [clusteredByTag]: JSON.stringify(clusteredBy) } : {}),
    ...(warmOf === undefined ? {} : { [hotBytesTag]: String(warmOf) }),
    ...(run === null ? {} : { [runTag]: run }),
  };
  return Object.keys(tags).length === 0 ? {} : { tags };
}

/** What the rows of a file took while they were hot. */
export function hotBytesOf({ size, tags }: AddFile): number {
  return Number(tags?.[hotBytesTag] ?? size);
}

/**
 * Commits a draft to its existing table (see DeltaLog.commit), and takes it back if that certainly did not happen. What
 * cannot be deleted then is left to `vacuum`. A draft that a vacuum has condemned meanwhile is refused, however long its
 * writer was held, and wherever: the version that it would write is taken by the vacuum's own, and the log tells what that says.
 */
export async function commitDraft(
  tables: Tables,
  table: string,
  draft: Pick<Draft, 'files' | 'discard'>,
  attempt: (state: TableState) => readonly Action[] | null,
): Promise<CommitResult> {
  let uncommitted = true;
  try {
    const result = await tables.log(table).commit((state) => {
      const newest = existing(table, state);
      const actions = attempt(newest);
      if (actions !== null)
        refuseSwept(
          table,
          draft.files,
          draft.files.filter(({ path }) => newest.removed.has(path)),
        );
      return actions;
    });
    uncommitted = !result.committed;
    return result;
  } catch (error) {
    uncommitted = !(error instanceof CallError && error.outcome === 'indeterminate');
    throw error;
  } finally {
    if (uncommitted) await draft.discard();
  }
}

/** Throws if a vacuum has taken files that are about to be committed, as their writer was slower than it allows for. */
export function refuseSwept(table: string, files: readonly AddFile[], swept: readonly AddFile[]): void {
  if (swept.length === 0) return;
  throw new CallError(
    'failed',
    `Table ${table}: ${swept.length} of ${files.length} files were vacuumed before they were committed, ${swept[0]!.path} among them. Nothing was committed; do it again, and retain files for longer.`,
  );
}

/** Calls `work`, and takes the draft back if it fails. */
export async function drafting<T>(draft: Pick<Draft, 'discard'>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await draft.discard();
    throw error;
  }
}

export function existing(table: string, state: TableState | null): TableState {
  if (state === null) throw new Error(`There is no table ${table}; create it first.`);
  return state;
}

/** Id of the run that wrote the file; null if its writer did not say. */
export function runOf(file: AddFile): string | null {
  return file.tags?.[runTag] ?? null;
}

/** The columns by which the file's rows are sorted; none if its writer did not say. */
export function clusteringOf(file: AddFile): readonly string[] {
  const tag = file.tags?.[clusteredByTag];
  return tag === undefined ? [] : (JSON.parse(tag) as string[]);
}

export function removalOf(file: AddFile, dataChange: boolean, nowUs: number): RemoveFile {
  return {
    path: file.path,
    // Rounded up: vacuum must not believe that a file left the table earlier than it did.
    deletionTimestamp: Math.ceil(nowUs / 1000),
    dataChange,
    extendedFileMetadata: true,
    partitionValues: file.partitionValues,
    size: file.size,
  };
}

/** A path as the log has it: a relative URI (protocol, "Add File and Remove File"). */
export const uriOf = (path: string): string => path.replaceAll('%', '%25');

/** The name says when it was written, in event time: the modification times of a disk know calendar time only. */
export function dataFileName(nowUs: number): string {
  return `part-${String(nowUs).padStart(16, '0')}-${randomUUID()}.parquet`;
}

/** When a data file was written; null if its name, the last part of a path, is not one of ours. */
export function writtenUs(name: string): number | null {
  const found = /(?:^|\/)part-(\d{16})-[0-9a-f-]{36}\.parquet$/.exec(name);
  return found ? Number(found[1]) : null;
}

export type ColumnStatistics = readonly {
  readonly key: string;
  readonly value: readonly { readonly key: string; readonly value: string }[];
}[];

export function statisticsFrom(columns: ColumnStatistics, schema: Schema, numRecords: number): FileStatistics {
  const minValues: Record<string, number | string> = {};
  const maxValues: Record<string, number | string> = {};
  const nullCount: Record<string, number> = {};
  const byName = new Map(
    columns.map(({ key, value }) => [key, new Map(value.map((entry) => [entry.key, entry.value]))]),
  );
  for (const { name, type } of schema) {
    const statistics = byName.get(quoteIdentifier(name));
    const nulls = statistics?.get('null_count');
    if (nulls !== undefined) nullCount[name] = Number(nulls);
    const min = statistics?.get('min');
    const max = statistics?.get('max');
    if (min === undefined || max === undefined) continue;
    if (type === 'text' && (min.length > longestTextBound || max.length > longestTextBound)) continue;
    minValues[name] = type === 'int' ? Number(min) : min;
    maxValues[name] = type === 'int' ? Number(max) : max;
  }
  return { numRecords, minValues, maxValues, nullCount };
}
