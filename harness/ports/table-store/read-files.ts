/**
 * Reads data files as rows of their table: the files may be of different partitions, which the log knows and they do not,
 * and older than columns of the table, which are null in them. What is not as the log says is an error that names it.
 */
import { statSync } from 'node:fs';
import { messageOf } from '../../errors.js';
import { quoteIdentifier, quoteText } from '../duckdb-columns.js';
import { existing, type Tables, writtenUs } from './data-files.js';
import type { AddFile } from './delta/actions.js';
import { statisticsOf } from './delta/statistics.js';
import type { TableState } from './delta/table-state.js';
import { decodePartitionValue } from './layout.js';
import { expectStored } from './stored-files.js';

/** Names and types of a file's columns, of files that were looked into. */
const footers = new WeakMap<AddFile, ReadonlyMap<string, string>>();

/**
 * SQL of what reads the rows of the files, with all columns of the state's schema; they are still there, see `filesOf`
 * and `filesAddedSince`. `indexedAs` names one more column: the index in `files` of the file that a row is from.
 */
export async function rowsOf(
  tables: Tables,
  table: string,
  state: TableState,
  files: readonly AddFile[],
  indexedAs?: string,
): Promise<string> {
  return rowsOfLocal(tables, table, state, files, await localFilesOf(tables, table, files), indexedAs);
}

export function localFilesOf(
  { objects, reading }: Tables,
  table: string,
  files: readonly AddFile[],
): Promise<readonly string[]> {
  return objects.localFiles(
    files.map(({ path }) => `${table}/${decodeURIComponent(path)}`),
    reading,
  );
}

/** `rowsOf` of files that are at hand: `local` has the contents of `files`, in their order. */
export async function rowsOfLocal(
  tables: Tables,
  table: string,
  state: TableState,
  files: readonly AddFile[],
  local: readonly string[],
  indexedAs?: string,
): Promise<string> {
  await lookInto(tables, table, state, files, local);
  const groups = new Map<string, number[]>();
  for (const [i, file] of files.entries()) {
    const shape = selectionOf(state, file).join(', ');
    groups.set(shape, [...(groups.get(shape) ?? []), i]);
  }
  const [only] = groups.values();
  if (groups.size === 1 && indexedAs === undefined && isComplete(state, files[0]!)) return readParquet(local);
  const parts = Array.from(groups, ([selection, members]) => {
    const index =
      indexedAs === undefined
        ? ''
        : `, ${members === only && groups.size === 1 ? 'file_index' : `[${members.join(', ')}][(file_index + 1)::BIGINT]`} AS ${indexedAs}`;
    return `SELECT ${selection}${index} FROM ${readParquet(members.map((i) => local[i]!))}`;
  });
  return `(${parts.join(' UNION ALL ')})`;
}

function readParquet(local: readonly string[]): string {
  // The names of folders say nothing: those of partitions may be cut, and those above the tables are not ours.
  return `read_parquet([${local.map(quoteText).join(', ')}], hive_partitioning = false)`;
}

function isComplete({ schema, metaData }: TableState, file: AddFile): boolean {
  return metaData.partitionColumns.length === 0 && schema.every(({ name }) => holds(file, name));
}

/** For each column of the table: itself, the value that it has in all rows of the file's partition, or null. */
function selectionOf({ schema, metaData }: TableState, file: AddFile): string[] {
  return schema.map((column) => {
    const { name, type } = column;
    const identifier = quoteIdentifier(name);
    if (metaData.partitionColumns.includes(name)) {
      const value = decodePartitionValue(file.partitionValues[name], column);
      const literal = value === null ? 'NULL' : quoteText(String(value));
      return `${literal}::${type === 'int' ? 'BIGINT' : 'VARCHAR'} AS ${identifier}`;
    }
    return holds(file, name) ? identifier : `NULL::${type === 'int' ? 'BIGINT' : 'VARCHAR'} AS ${identifier}`;
  });
}

/** Statistics tell, and where they do not, the footer was read. */
function holds(file: AddFile, column: string): boolean {
  const footer = footers.get(file);
  return footer ? footer.has(column) : statisticsOf(file)?.nullCount[column] !== undefined;
}

/**
 * Files of ours are as they were written if they are as long. The footers are read of those that are not, of others'
 * files, and of those that may lack a column; once in the life of the process.
 */
async function lookInto(
  { engine }: Tables,
  table: string,
  state: TableState,
  files: readonly AddFile[],
  local: readonly string[],
): Promise<void> {
  const stored = state.schema.filter(({ name }) => !state.metaData.partitionColumns.includes(name));
  for (const [i, file] of files.entries()) {
    const which = `Table ${table}, version ${state.version}: data file ${file.path}`;
    const bytes = statSync(local[i]!, { throwIfNoEntry: false })?.size;
    if (bytes === undefined) {
      throw new Error(
        `${which} is missing, though no vacuum may have deleted it. Restore an older version, or the file.`,
      );
    }
    const isAsWritten = bytes === file.size;
    const isKnown = footers.has(file) && isAsWritten;
    const isOurs = writtenUs(file.path) !== null && stored.every(({ name }) => holds(file, name));
    if (isKnown || (isOurs && isAsWritten)) continue;
    const footer = await readFooter(engine, local[i]!).catch((error) => {
      throw new Error(`${which} cannot be read as Parquet: ${messageOf(error)}`, { cause: error });
    });
    for (const { name, type, nullable } of stored) {
      const found = footer.get(name);
      const expected = type === 'int' ? 'BIGINT' : 'VARCHAR';
      if (found === undefined ? nullable : found === expected) continue;
      const problem = found === undefined ? `has no column ${name}, which is not nullable` : `has ${name} as ${found}`;
      throw new Error(`${which} is of another schema: it ${problem}; expected ${expected}. Restore an older version.`);
    }
    if (!isAsWritten) {
      throw new Error(`${which} has ${bytes} bytes where the log says ${file.size}; it was changed or cut short.`);
    }
    footers.set(file, footer);
  }
}

async function readFooter(engine: Tables['engine'], path: string): Promise<ReadonlyMap<string, string>> {
  const columns = await engine.texts(
    `SELECT to_json([name, duckdb_type]) FROM parquet_schema(${quoteText(path)}) WHERE duckdb_type IS NOT NULL`,
  );
  return new Map(columns.map((column) => JSON.parse(column) as [string, string]));
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
async function expectPresent(tables: Tables, table: string, files: readonly AddFile[], which: string): Promise<void> {
  const newest = existing(table, await tables.log(table).lastSeen());
  await expectStored(
    tables.objects,
    table,
    newest,
    files.filter(({ path }) => !newest.files.has(path)),
    (gone, first) =>
      `Table ${table}: ${gone} of the ${files.length} files ${which} were vacuumed, ${first} among them; retain files for longer than the slowest reader needs them, or pin the version.`,
  );
}
