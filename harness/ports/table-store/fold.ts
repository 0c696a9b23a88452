/**
 * Folds appended changes into a table of current rows, copy-on-write: only files that hold a superseded row are written
 * again, and rows of new keys get files of their own. Both are sorted by key, so that the bounds of a file tell which
 * keys it cannot hold.
 *
 *     files added to `from` -> changed: latest row a key -> winners: those that beat the current row
 *       -> affected: files of `into` with a current row of a winner -> their other rows + winners, sorted, cut -> commit
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { CallError } from '../../errors.js';
import type { ColumnBatch, Schema } from '../columns.js';
import { appendColumns, createTableSql, quoteIdentifier, quoteText } from '../duckdb-columns.js';
import { commitFiles, existing, filesAddedSince, removalOf, rowsOf, type Tables, writeDataFile } from './data-files.js';
import { type AddFile, commitInfo, setTransaction } from './delta/actions.js';
import { conflictOf } from './delta/conflicts.js';
import { compareByKey, mayExceed, statisticsOf } from './delta/statistics.js';
import type { TableState } from './delta/table-state.js';
import type { FoldResult, FoldSpec } from './port.js';

/** Rows of a file: few, because a file is written again when one of its rows changes; not too few for a scan. */
const rowsPerFile = 65_536;
const attemptsAtMost = 10;

export async function fold(tables: Tables, spec: FoldSpec): Promise<FoldResult> {
  const appId = `fold:${spec.from}`;
  for (let attempt = 0; attempt < attemptsAtMost; attempt++) {
    const from = existing(spec.from, await tables.log(spec.from).refresh());
    const into = existing(spec.into, await tables.log(spec.into).refresh());
    const position = into.txns.get(appId)?.version ?? -1;
    const news = await filesAddedSince(tables, spec.from, from, position);
    if (news.length === 0) return { foldedRows: 0, version: into.version };

    const rewrite = await tables.engine.use((connection) =>
      computeRewrite({ tables, connection, spec, from, into, news }),
    );
    const result = await commitFiles(tables, spec.into, rewrite.added, (newest) => {
      // Any rows that came into the table may be of a changed key, and any later position is another fold's.
      const read = { from: into, files: rewrite.removed, wouldRead: () => true };
      if (conflictOf({ ...read, txns: [{ appId, version: position + 1 }] }, newest)) return null;
      const nowUs = tables.clock.nowUs();
      return [
        commitInfo(nowUs, 'MERGE', { source: spec.from, sourceVersion: String(from.version) }),
        setTransaction(nowUs, appId, from.version),
        ...rewrite.removed.map((file) => ({ remove: removalOf(file, true, nowUs) })),
        ...rewrite.added.map((add) => ({ add })),
      ];
    });
    if (result.committed) return { foldedRows: rewrite.foldedRows, version: result.version };
  }
  throw new CallError(
    'failed',
    `Table ${spec.into}: ${attemptsAtMost} folds of ${spec.from} in a row were overtaken by other rewrites; let one process at a time fold and compact a table.`,
  );
}

interface FoldWork {
  readonly tables: Tables;
  readonly connection: DuckDBConnection;
  readonly spec: FoldSpec;
  readonly from: TableState;
  readonly into: TableState;
  /** Files of `from` that were not folded yet. */
  readonly news: readonly AddFile[];
}

interface Rewrite {
  readonly foldedRows: number;
  readonly removed: readonly AddFile[];
  readonly added: readonly AddFile[];
}

async function computeRewrite(work: FoldWork): Promise<Rewrite> {
  checkTables(work);
  const { rows: foldedRows, keys } = await findChanged(work);
  if (foldedRows === 0) return { foldedRows, removed: [], added: [] };
  const candidates = await candidateFiles(work, keys);
  await findCurrent(work, candidates);
  await findWinners(work);
  await dropStragglers(work);
  const removed = await affectedFiles(work, candidates);
  return { foldedRows, removed, added: [...(await writeAgain(work, removed)), ...(await writeInserts(work))] };
}

/** Names of what the fold adds to the columns of `into`. */
const deleted = '"planebench deleted"';
const file = '"planebench file"';
const before = '"planebench before"';

function checkTables({ spec, from, into }: FoldWork): void {
  if (into.metaData.configuration['delta.appendOnly'] === 'true') {
    throw new Error(`Table ${spec.into} is append-only (delta.appendOnly); a fold replaces and removes rows.`);
  }
  const needed: Schema = [
    ...into.schema,
    ...[spec.order, ...spec.key].map((name) => columnOf(into.schema, spec.into, name)),
  ];
  for (const { name, type } of needed) {
    if (columnOf(from.schema, spec.from, name).type !== type) {
      throw new Error(`Column ${name} is of another type in ${spec.from} than in ${spec.into}; a fold needs the same.`);
    }
  }
  columnOf(from.schema, spec.from, spec.deletion.column);
  if (spec.unless !== undefined) columnOf(from.schema, spec.from, spec.unless);
}

function columnOf(schema: Schema, table: string, name: string): Schema[number] {
  const column = schema.find((candidate) => candidate.name === name);
  if (column) return column;
  throw new Error(
    `Table ${table} has no column ${name}, which the fold names; it has ${schema.map((c) => c.name).join(', ')}.`,
  );
}

/** Fills `changed` with the latest new row of each key; answers how many rows and keys that are. */
async function findChanged(work: FoldWork): Promise<{ readonly rows: number; readonly keys: number }> {
  const { tables, connection, spec, into, news } = work;
  const rows = `${await rowsOf(tables, spec.from, news)}${considered(spec)}`;
  const needed = [...spec.key, spec.order].map((name) => `${quoteIdentifier(name)} IS NULL`).join(' OR ');
  const counted = await connection.runAndReadAll(`SELECT count(*), count(*) FILTER (${needed}) FROM ${rows}`);
  const [count, withoutKey] = counted.getRows()[0]!.map(Number) as [number, number];
  if (withoutKey > 0) {
    throw new Error(
      `Table ${spec.from}: ${withoutKey} rows to fold have a null in ${[...spec.key, spec.order].join(', ')}; a fold needs key and order.`,
    );
  }
  await connection.run(
    `CREATE TEMP TABLE changed AS
     SELECT ${columnList(into.schema.map(({ name }) => name))},
            ${quoteIdentifier(spec.deletion.column)} IS NOT DISTINCT FROM ${quoteText(spec.deletion.value)} AS ${deleted}
     FROM ${rows}
     QUALIFY row_number() OVER (PARTITION BY ${columnList(spec.key)} ORDER BY ${quoteIdentifier(spec.order)} DESC) = 1`,
  );
  return { rows: count, keys: await countRows(connection, 'changed') };
}

/** Fills `current` with the current row's order and file, an index into `candidates`, for each changed key that has one. */
async function findCurrent({ tables, connection, spec }: FoldWork, candidates: readonly AddFile[]): Promise<void> {
  const columns = columnList([...spec.key, spec.order]);
  const rows =
    candidates.length === 0
      ? `SELECT ${columns}, 0 AS ${file} FROM changed WHERE false`
      : `SELECT ${columns}, file_index AS ${file} FROM ${await rowsOf(tables, spec.into, candidates)}
         SEMI JOIN changed USING (${columnList(spec.key)})`;
  await connection.run(`CREATE TEMP TABLE current AS ${rows}`);
}

/**
 * Files of `into` whose bounds overlap those of some block of changed keys. Blocks, neighbours in the order of the keys,
 * keep the comparison small; what they let through needlessly is only read, not written.
 */
async function candidateFiles({ connection, spec, into }: FoldWork, changedKeys: number): Promise<AddFile[]> {
  const files = Array.from(into.files.values());
  const keys = spec.key.map((name) => columnOf(into.schema, spec.into, name));
  const bounds: Schema = [
    { name: 'file', type: 'int', nullable: false },
    ...keys.flatMap(({ type }, i) => [
      { name: `least_${i}`, type, nullable: true },
      { name: `greatest_${i}`, type, nullable: true },
    ]),
  ];
  const columns: Record<string, (number | string | null)[]> = { file: files.map((_, i) => i) };
  for (const [i, { name }] of keys.entries()) {
    columns[`least_${i}`] = files.map((candidate) => statisticsOf(candidate)?.minValues[name] ?? null);
    columns[`greatest_${i}`] = files.map((candidate) => statisticsOf(candidate)?.maxValues[name] ?? null);
  }
  await connection.run(createTableSql('bounds', bounds, 'TEMP TABLE'));
  await appendColumns(connection, 'bounds', bounds, { rows: files.length, columns: columns as ColumnBatch['columns'] });
  const rowsPerBlock = Math.max(16, Math.ceil(changedKeys / 2048));
  const extremes = spec.key.map(
    (name, i) => `min(${quoteIdentifier(name)}) AS first_${i}, max(${quoteIdentifier(name)}) AS last_${i}`,
  );
  const overlaps = keys.map(
    (_, i) =>
      `(least_${i} IS NULL OR least_${i} <= last_${i}) AND (greatest_${i} IS NULL OR greatest_${i} >= first_${i})`,
  );
  const found = await connection.runAndReadAll(
    `SELECT DISTINCT file FROM bounds JOIN (
       SELECT ${extremes.join(', ')}
       FROM (SELECT *, row_number() OVER (ORDER BY ${columnList(spec.key)}) AS n FROM changed)
       GROUP BY n // ${rowsPerBlock}
     ) ON ${overlaps.join(' AND ')} ORDER BY file`,
  );
  return found.getRows().map(([index]) => files[Number(index)]!);
}

/**
 * Fills `winners` with the changed rows that beat what is current, and `before` with the order of the row that they
 * replace, null where there is none. A change that arrives after a later one of its key loses.
 */
async function findWinners({ connection, spec }: FoldWork): Promise<void> {
  const order = quoteIdentifier(spec.order);
  await connection.run(
    `CREATE TEMP TABLE winners AS
     SELECT changed.*, ${before}
     FROM changed LEFT JOIN (
       SELECT ${columnList(spec.key)}, max(${order}) AS ${before} FROM current GROUP BY ALL
     ) USING (${columnList(spec.key)})
     WHERE ${before} IS NULL OR changed.${order} > ${before}`,
  );
}

/**
 * A key without a current row is new, or was deleted by a change that was folded before and came later in order. The
 * history in `from` tells; bounds of its files leave little of it to read, none while changes arrive in order.
 */
async function dropStragglers({ tables, connection, spec, from, news }: FoldWork): Promise<void> {
  const order = quoteIdentifier(spec.order);
  const inserts = `winners WHERE ${before} IS NULL AND NOT ${deleted}`;
  const [[least] = []] = (await connection.runAndReadAll(`SELECT min(${order})::DOUBLE FROM ${inserts}`)).getRows();
  if (typeof least !== 'number') return;
  const fresh = new Set(news.map(({ path }) => path));
  const later = Array.from(from.files.values()).filter(
    (candidate) => !fresh.has(candidate.path) && mayExceed(candidate, spec.order, least),
  );
  if (later.length === 0) return;
  await connection.run(
    `DELETE FROM winners WHERE ${before} IS NULL AND NOT ${deleted} AND EXISTS (
       SELECT 1 FROM (SELECT * FROM ${await rowsOf(tables, spec.from, later)}${considered(spec)}) AS past
       WHERE ${spec.key.map((name) => `past.${quoteIdentifier(name)} = winners.${quoteIdentifier(name)}`).join(' AND ')}
         AND past.${order} > winners.${order})`,
  );
}

/** The candidates with a current row that a winner replaces or deletes. */
async function affectedFiles({ connection, spec }: FoldWork, candidates: readonly AddFile[]): Promise<AddFile[]> {
  const found = await connection.runAndReadAll(
    `SELECT DISTINCT ${file} FROM current SEMI JOIN winners USING (${columnList(spec.key)}) ORDER BY 1`,
  );
  return found.getRows().map(([index]) => candidates[Number(index)]!);
}

/** Writes the rows of affected files again: without what winners replace or delete, with the winners that replace. */
async function writeAgain(work: FoldWork, affected: readonly AddFile[]): Promise<AddFile[]> {
  const { tables, connection, spec, into } = work;
  const columns = columnList(into.schema.map(({ name }) => name));
  const keys = columnList(spec.key);
  const written: AddFile[] = [];
  for (const group of neighbours(affected, spec.key)) {
    const rows = await rowsOf(tables, spec.into, group);
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE again AS
       SELECT ${columns} FROM ${rows} ANTI JOIN winners USING (${keys})
       UNION ALL
       SELECT ${columns} FROM winners SEMI JOIN ${rows} USING (${keys}) WHERE NOT ${deleted}`,
    );
    if ((await countRows(connection, 'again')) > 0) written.push(await write(work, `FROM again ORDER BY ${keys}`));
  }
  return written;
}

/** Writes the rows of keys that had none. */
async function writeInserts(work: FoldWork): Promise<AddFile[]> {
  const { connection, spec } = work;
  await connection.run(
    `CREATE TEMP TABLE inserts AS
     FROM winners WHERE ${before} IS NULL AND NOT ${deleted} ORDER BY ${columnList(spec.key)}`,
  );
  const rows = await countRows(connection, 'inserts');
  const files = Math.ceil(rows / rowsPerFile);
  const written: AddFile[] = [];
  for (let i = 0; i < files; i++) {
    const first = Math.floor((i * rows) / files);
    const end = Math.floor(((i + 1) * rows) / files);
    written.push(await write(work, `FROM inserts WHERE rowid >= ${first} AND rowid < ${end} ORDER BY rowid`));
  }
  return written;
}

function write({ tables, connection, spec, into }: FoldWork, query: string): Promise<AddFile> {
  return writeDataFile(tables, connection, spec.into, into.schema, query, { dataChange: true, clusteredBy: spec.key });
}

/** Files side by side in the order of their keys, as many as make up one of the usual size. */
function neighbours(files: readonly AddFile[], key: readonly string[]): AddFile[][] {
  const groups: AddFile[][] = [];
  let rows = Number.POSITIVE_INFINITY;
  for (const next of files.toSorted((a, b) => compareByKey(a, b, key))) {
    const more = statisticsOf(next)?.numRecords ?? rowsPerFile;
    if (rows + more > rowsPerFile) {
      groups.push([]);
      rows = 0;
    }
    groups.at(-1)!.push(next);
    rows += more;
  }
  return groups;
}

async function countRows(connection: DuckDBConnection, table: string): Promise<number> {
  return Number((await connection.runAndReadAll(`SELECT count(*) FROM ${table}`)).getRows()[0]![0]);
}

function considered({ unless }: FoldSpec): string {
  return unless === undefined ? '' : ` WHERE ${quoteIdentifier(unless)} IS NULL`;
}

function columnList(names: readonly string[]): string {
  return names.map(quoteIdentifier).join(', ');
}
