/** What Parquet files say of the bytes of their columns: how much of what a query read it had asked for. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteText } from '../duckdb-columns.js';
import type { Predicate } from './port.js';
import { conditionOf } from './predicate.js';

export interface MeasuredFiles {
  readonly liveBytes: number;
  readonly requestedBytes: number;
}

export interface FilesToMeasure {
  /** SQL of all rows of the files. */
  readonly rows: string;
  readonly where: Predicate | undefined;
  readonly files: readonly NamedFile[];
  readonly columns: ReadonlySet<string>;
}

export interface NamedFile {
  /** By which it is known for good. */
  readonly name: string;
  /** Where it can be read now. */
  readonly path: string;
}

export interface Footers {
  /** Bytes of `columns`, compressed: for the share of the rows for which `where` holds, and of the row groups that may have any. */
  measure(connection: DuckDBConnection, files: FilesToMeasure): Promise<MeasuredFiles>;
  /** Of files that were just written: else the first job that reads them would take longer, for being measured. */
  learn(connection: DuckDBConnection, files: readonly NamedFile[]): Promise<void>;
}

interface RowGroup {
  readonly rows: number;
  readonly columns: Map<string, ColumnChunk>;
}

interface ColumnChunk {
  readonly bytes: number;
  /** Null: not known, or no whole numbers. Of texts nothing is ruled out here, as their bounds may have been cut. */
  readonly least: number | null;
  readonly greatest: number | null;
}

/** Of row groups, all files together; beyond it the footers are read again. */
const mostKept = 10_000;

/** Files never change, and jobs read the same ones over and over: what they cost a job must not depend on who measures it. */
export function openFooters(): Footers {
  let known = new Map<string, readonly RowGroup[]>();
  let kept = 0;

  async function groupsOf(connection: DuckDBConnection, files: readonly NamedFile[]): Promise<RowGroup[]> {
    const missing = files.filter(({ name }) => !known.has(name));
    const read = missing.length === 0 ? new Map<string, RowGroup[]>() : await readFooters(connection, missing);
    const groups = files.flatMap(({ name }) => known.get(name) ?? read.get(name) ?? []);
    for (const added of read.values()) kept += added.length;
    known = kept > mostKept ? new Map() : new Map([...known, ...read]);
    if (known.size === 0) kept = 0;
    return groups;
  }

  return {
    async measure(connection, { rows, where, files, columns }) {
      const groups = await groupsOf(connection, files);
      let [allRows, allBytes, requestedBytes] = [0, 0, 0];
      for (const group of groups) {
        let bytes = 0;
        for (const column of columns) bytes += group.columns.get(column)?.bytes ?? 0;
        allRows += group.rows;
        allBytes += bytes;
        if (mayHold(group, where)) requestedBytes += bytes;
      }
      if (where === undefined || allRows === 0) return { liveBytes: allBytes, requestedBytes };
      const counted = await connection.runAndReadAll(
        `SELECT count(*)::DOUBLE FROM ${rows} WHERE ${conditionOf(where)}`,
      );
      const asked = counted.getRows()[0]?.[0] as number;
      return { liveBytes: Math.round((allBytes / allRows) * asked), requestedBytes };
    },
    async learn(connection, files) {
      await groupsOf(connection, files);
    },
  };
}

/** By the names of the files. */
async function readFooters(
  connection: DuckDBConnection,
  files: readonly NamedFile[],
): Promise<Map<string, RowGroup[]>> {
  const read = new Map<string, RowGroup[]>(files.map(({ path }) => [path, []]));
  const { columns, rowCount } = await readChunks(connection, [...read.keys()]);
  const [file, id, rows, column, bytes, least, greatest] = columns as [
    string[],
    number[],
    number[],
    string[],
    number[],
    (number | null)[],
    (number | null)[],
  ];
  for (let i = 0; i < rowCount; i++) {
    const groups = read.get(file[i] as string) as RowGroup[];
    const group = groups[id[i] as number] ?? { rows: rows[i] as number, columns: new Map<string, ColumnChunk>() };
    groups[id[i] as number] = group;
    group.columns.set(column[i] as string, {
      bytes: bytes[i] as number,
      least: least[i] as number | null,
      greatest: greatest[i] as number | null,
    });
  }
  return new Map(files.map(({ name, path }) => [name, read.get(path) as RowGroup[]]));
}

async function readChunks(connection: DuckDBConnection, paths: readonly string[]) {
  const bound = (name: string) => `try_cast(try_cast(${name} AS BIGINT) AS DOUBLE)`;
  const read = await connection.runAndReadAll(`
    SELECT file_name, row_group_id::DOUBLE, row_group_num_rows::DOUBLE, path_in_schema, total_compressed_size::DOUBLE,
      ${bound('stats_min_value')}, ${bound('stats_max_value')}
    FROM parquet_metadata([${paths.map(quoteText).join(', ')}])`);
  return { columns: read.getColumns(), rowCount: read.currentRowCount };
}

function mayHold({ columns }: RowGroup, where: Predicate | undefined): boolean {
  if (where === undefined) return true;
  const { least = null, greatest = null } = columns.get(where.column) ?? {};
  if ('values' in where) {
    const { values } = where;
    if (values.some((value) => typeof value === 'string') || least === null || greatest === null)
      return values.length > 0;
    return values.some((value) => Number(value) >= least && Number(value) <= greatest);
  }
  const { from, to } = where;
  return (
    (from === undefined || greatest === null || greatest >= Number(from)) &&
    (to === undefined || least === null || least < Number(to))
  );
}
