/**
 * Data files: Parquet, written once under a name of its own, immutable. A file is in the table only when a commit adds
 * it; until then nobody sees it, and if that never happens `vacuum` finds it by its name.
 */
import { randomUUID } from 'node:crypto';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Clock } from '../../clock.js';
import { CallError, messageOf } from '../../errors.js';
import type { Schema } from '../columns.js';
import { quoteIdentifier, quoteText } from '../duckdb-columns.js';
import type { Action, AddFile, RemoveFile } from './delta/actions.js';
import type { CommitResult, DeltaLog } from './delta/log.js';
import type { ObjectStore } from './delta/object-store.js';
import type { FileStatistics } from './delta/statistics.js';
import type { TableState } from './delta/table-state.js';
import type { Engine } from './engine.js';

/** What the operations of one table store share. */
export interface Tables {
  readonly objects: ObjectStore;
  readonly engine: Engine;
  readonly clock: Clock;
  /** Id of the run that writes here. */
  readonly run: string | null;
  log(table: string): DeltaLog;
}

export interface DataFileMarks {
  readonly dataChange: boolean;
  /** Columns by which the rows are sorted, outermost first. */
  readonly clusteredBy?: readonly string[];
}

/** Longer texts are no bounds in the log: they would be repeated in every checkpoint and skip little. */
const longestTextBound = 64;
const clusteredByTag = 'planebench.clusteredBy';
const runTag = 'planebench.run';

/** Writes the rows of `query`, of at least one row, as a data file of `table` that no commit has added yet. */
export async function writeDataFile(
  { objects, clock, run }: Tables,
  connection: DuckDBConnection,
  table: string,
  schema: Schema,
  query: string,
  marks: DataFileMarks,
): Promise<AddFile> {
  const nowUs = clock.nowUs();
  const path = dataFileName(nowUs);
  const staged = await objects.stage();
  try {
    const columns = schema.map(({ name }) => quoteIdentifier(name)).join(', ');
    const written = await connection.runAndReadAll(
      `COPY (SELECT ${columns} FROM (${query})) TO ${quoteText(staged)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, RETURN_STATS)`,
    );
    const [row] = written.getRowObjectsJson();
    const statistics = statisticsFrom(
      row?.column_statistics as unknown as ColumnStatistics,
      schema,
      Number(row?.count),
    );
    await objects.publish(staged, `${table}/${path}`);
    return {
      path,
      partitionValues: {},
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

/**
 * Commits to an existing table (see DeltaLog.commit), and deletes the data files that were written for the commit if it
 * certainly did not happen. What this cannot delete is left to `vacuum`.
 */
export async function commitFiles(
  { log, objects }: Tables,
  table: string,
  files: readonly AddFile[],
  attempt: (state: TableState) => readonly Action[] | null,
): Promise<CommitResult> {
  let uncommitted = true;
  try {
    const result = await log(table).commit((state) => attempt(existing(table, state)));
    uncommitted = !result.committed;
    return result;
  } catch (error) {
    uncommitted = !(error instanceof CallError && error.outcome === 'indeterminate');
    throw error;
  } finally {
    if (uncommitted) for (const { path } of files) await objects.delete(`${table}/${path}`).catch(() => {});
  }
}

export function existing(table: string, state: TableState | null): TableState {
  if (state === null) throw new Error(`There is no table ${table}; create it first.`);
  return state;
}

/** SQL of a table function that reads the rows of the files; they are still there, see `filesOf` and `filesAddedSince`. */
export async function rowsOf({ objects }: Tables, table: string, files: readonly AddFile[]): Promise<string> {
  const local = await objects.localFiles(files.map(({ path }) => `${table}/${decodeURIComponent(path)}`));
  return `read_parquet([${local.map(quoteText).join(', ')}])`;
}

/** The files of a state, which may be an old one. */
export async function filesOf(tables: Tables, table: string, state: TableState): Promise<readonly AddFile[]> {
  const files = Array.from(state.files.values());
  await expectPresent(tables, table, files, `of version ${state.version}`);
  return files;
}

/** Files that commits after `version` added with new rows, up to the state's version; they may have left the table. */
export async function filesAddedSince(
  tables: Tables,
  table: string,
  state: TableState,
  version: number,
): Promise<readonly AddFile[]> {
  const files = await tables.log(table).filesAdded(version, state.version);
  await expectPresent(tables, table, files, `added after version ${version}`);
  return files;
}

/** Live files are there; of files that left the table since, `vacuum` may have deleted some. */
async function expectPresent(
  { log, objects }: Tables,
  table: string,
  files: readonly AddFile[],
  which: string,
): Promise<void> {
  const live = existing(table, await log(table).lastSeen()).files;
  const left = files.filter(({ path }) => !live.has(path));
  if (left.length === 0) return;
  const there = new Set((await objects.list(table)).map(({ name }) => name));
  const gone = left.filter(({ path }) => !there.has(decodeURIComponent(path)));
  if (gone.length === 0) return;
  throw new Error(
    `Table ${table}: ${gone.length} of the ${files.length} files ${which} were vacuumed; retain files for longer than the slowest reader needs them.`,
  );
}

/** On the file, not on its commit: the log forgets commits, and a checkpoint keeps the tags of files. */
function tagsOf({ clusteredBy }: DataFileMarks, run: string | null): Pick<AddFile, 'tags'> {
  const tags = {
    ...(clusteredBy ? { [clusteredByTag]: JSON.stringify(clusteredBy) } : {}),
    ...(run === null ? {} : { [runTag]: run }),
  };
  return Object.keys(tags).length === 0 ? {} : { tags };
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

/** The name says when it was written, in event time: the modification times of a disk know calendar time only. */
function dataFileName(nowUs: number): string {
  return `part-${String(nowUs).padStart(16, '0')}-${randomUUID()}.parquet`;
}

/** When a data file was written; null if the name is not one of ours. */
export function writtenUs(name: string): number | null {
  const found = /^part-(\d{16})-[0-9a-f-]{36}\.parquet$/.exec(name);
  return found ? Number(found[1]) : null;
}

type ColumnStatistics = readonly {
  readonly key: string;
  readonly value: readonly { readonly key: string; readonly value: string }[];
}[];

function statisticsFrom(columns: ColumnStatistics, schema: Schema, numRecords: number): FileStatistics {
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
