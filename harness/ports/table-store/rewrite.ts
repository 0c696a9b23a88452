/**
 * Copy-on-write by key: puts rows in the place of those that have the same key. Only files that hold such a row are
 * written again, and rows of new keys get files of their own. Both are sorted by key, so that the bounds of a file tell
 * which keys it cannot hold. Of temporary tables it reads those that its caller has filled, and fills the others.
 *
 *     changed: a row a key -> candidates: files whose bounds may hold one -> current: where each key is now
 *       -> winners: changed rows that count -> affected candidates: their other rows + winners, sorted, cut
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { ColumnBatch, Schema } from '../columns.js';
import { appendColumns, createTableSql, quoteIdentifier } from '../duckdb-columns.js';
import type { Draft, Tables } from './data-files.js';
import type { AddFile } from './delta/actions.js';
import { boundsOf, compareByKey, statisticsOf } from './delta/statistics.js';
import type { TableState } from './delta/table-state.js';
import { cuts } from './layout.js';
import { columnOf } from './predicate.js';
import { rowsOf } from './read-files.js';

/** Rows of a file: few, because a file is written again when one of its rows changes; not too few for a scan. */
const rowsPerFile = 65_536;

export interface Rewriting {
  readonly tables: Tables;
  readonly connection: DuckDBConnection;
  readonly table: string;
  readonly state: TableState;
  readonly key: readonly string[];
  /** Gets what is written. */
  readonly draft: Draft;
}

/** What a row of `changed` and `winners` has besides the columns of the table: whether it deletes its key. */
export const deleted = '"planebench deleted"';
/** What a row of `winners` has as well: whether its key has a row in the table. */
export const replaces = '"planebench replaces"';
/** What a row of `current` has besides the key and what its caller asks for: an index into the candidates. */
const file = '"planebench file"';

/**
 * Files whose bounds overlap those of some block of changed keys. Blocks, neighbours in the order of the keys, keep the
 * comparison small; what they let through needlessly is only read, not written.
 */
export async function candidateFiles({ connection, table, state, key }: Rewriting): Promise<AddFile[]> {
  const files = Array.from(state.files.values());
  const keys = key.map((name) => columnOf(table, state.schema, name));
  const bounds: Schema = [
    { name: 'file', type: 'int', nullable: false },
    ...keys.flatMap(({ type }, i) => [
      { name: `least_${i}`, type, nullable: true },
      { name: `greatest_${i}`, type, nullable: true },
    ]),
  ];
  const columns: Record<string, (number | string | null)[]> = { file: files.map((_, i) => i) };
  for (const [i, column] of keys.entries()) {
    columns[`least_${i}`] = files.map((candidate) => boundsOf(candidate, column)?.least ?? null);
    columns[`greatest_${i}`] = files.map((candidate) => boundsOf(candidate, column)?.greatest ?? null);
  }
  await connection.run(createTableSql('bounds', bounds, 'TEMP TABLE'));
  await appendColumns(connection, 'bounds', bounds, { rows: files.length, columns: columns as ColumnBatch['columns'] });
  const rowsPerBlock = Math.max(16, Math.ceil((await countRows(connection, 'changed')) / 2048));
  const extremes = key.map(
    (name, i) => `min(${quoteIdentifier(name)}) AS first_${i}, max(${quoteIdentifier(name)}) AS last_${i}`,
  );
  const overlaps = keys.map(
    (_, i) =>
      `(least_${i} IS NULL OR least_${i} <= last_${i}) AND (greatest_${i} IS NULL OR greatest_${i} >= first_${i})`,
  );
  const found = await connection.runAndReadAll(
    `SELECT DISTINCT file FROM bounds JOIN (
       SELECT ${extremes.join(', ')}
       FROM (SELECT *, row_number() OVER (ORDER BY ${columnList(key)}) AS n FROM changed)
       GROUP BY n // ${rowsPerBlock}
     ) ON ${overlaps.join(' AND ')} ORDER BY file`,
  );
  return found.getRows().map(([index]) => files[Number(index)]!);
}

/** Fills `current` with the keys in `changed` that the candidates hold, and further columns of their rows. */
export async function findCurrent(
  { tables, connection, table, state, key }: Rewriting,
  candidates: readonly AddFile[],
  further: readonly string[],
): Promise<void> {
  const columns = columnList([...key, ...further]);
  const rows =
    candidates.length === 0
      ? `SELECT ${columns}, 0 AS ${file} FROM changed WHERE false`
      : `SELECT ${columns}, ${file} FROM ${await rowsOf(tables, table, state, candidates, file)}
         SEMI JOIN changed USING (${columnList(key)})`;
  await connection.run(`CREATE TEMP TABLE current AS ${rows}`);
}

/**
 * Writes the candidates that hold a row which a winner replaces or deletes again, without it and with the winners that
 * replace, each once though its key may be in several files; answers those candidates.
 */
export async function writeAgain(work: Rewriting, candidates: readonly AddFile[]): Promise<AddFile[]> {
  const { tables, connection, table, state, key, draft } = work;
  const columns = columnList(state.schema.map(({ name }) => name));
  const keys = columnList(key);
  await connection.run(
    `CREATE TEMP TABLE homes AS
     SELECT ${keys}, min(${file}) AS ${file} FROM current SEMI JOIN winners USING (${keys}) GROUP BY ${keys}`,
  );
  const found = await connection.runAndReadAll(
    `SELECT DISTINCT ${file} FROM current SEMI JOIN winners USING (${keys}) ORDER BY 1`,
  );
  const affected = new Map(found.getRows().map(([index]) => [candidates[Number(index)]!, Number(index)]));
  for (const group of neighbours(Array.from(affected.keys()), key)) {
    const indexes = group.map((member) => affected.get(member));
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE again AS
       SELECT ${columns} FROM ${await rowsOf(tables, table, state, group)} ANTI JOIN winners USING (${keys})
       UNION ALL
       SELECT ${columns} FROM winners SEMI JOIN (FROM homes WHERE ${file} IN (${indexes.join(', ')})) USING (${keys})
       WHERE NOT ${deleted}`,
    );
    if ((await countRows(connection, 'again')) === 0) continue;
    await draft.write(connection, { from: 'again', orderBy: key }, { dataChange: true, clusteredBy: key });
  }
  return Array.from(affected.keys());
}

/** Writes the rows of keys that had none. */
export async function writeInserts({ connection, key, state, draft }: Rewriting): Promise<void> {
  // A partition after the other, so that a file does not end within one for each of them.
  const order = columnList([...state.metaData.partitionColumns, ...key]);
  await connection.run(
    `CREATE TEMP TABLE inserts AS FROM winners WHERE NOT ${replaces} AND NOT ${deleted} ORDER BY ${order}`,
  );
  const rows = await countRows(connection, 'inserts');
  for (const { first, end } of cuts(rows, Math.ceil(rows / rowsPerFile))) {
    const slice = { from: 'inserts', where: [`rowid >= ${first}`, `rowid < ${end}`], orderBy: ['rowid'] };
    await draft.write(connection, slice, { dataChange: true, clusteredBy: key });
  }
}

/** Files of a partition side by side in the order of their keys, as many as make up one of the usual size. */
function neighbours(files: readonly AddFile[], key: readonly string[]): AddFile[][] {
  const groups: AddFile[][] = [];
  for (const partition of byPartition(files)) {
    let rows = Number.POSITIVE_INFINITY;
    for (const next of partition.toSorted((a, b) => compareByKey(a, b, key))) {
      const more = statisticsOf(next)?.numRecords ?? rowsPerFile;
      if (rows + more > rowsPerFile) {
        groups.push([]);
        rows = 0;
      }
      groups.at(-1)!.push(next);
      rows += more;
    }
  }
  return groups;
}

/** Files of the same partition values together, partitions in the order in which they first come. */
export function byPartition(files: readonly AddFile[]): AddFile[][] {
  const partitions = new Map<string, AddFile[]>();
  for (const next of files) {
    const values = Object.entries(next.partitionValues).sort(([a], [b]) => (a < b ? -1 : 1));
    const partition = JSON.stringify(values);
    const known = partitions.get(partition);
    if (known) known.push(next);
    else partitions.set(partition, [next]);
  }
  return Array.from(partitions.values());
}

export async function countRows(connection: DuckDBConnection, table: string): Promise<number> {
  return Number((await connection.runAndReadAll(`SELECT count(*) FROM ${table}`)).getRows()[0]![0]);
}

export function columnList(names: readonly string[]): string {
  return names.map(quoteIdentifier).join(', ');
}
