/**
 * Puts rows in the place of those that have the same key, or removes these: copy-on-write (rewrite.ts), committed only if
 * nothing has come meanwhile that may hold one of the keys.
 */
import { CallError } from '../../errors.js';
import type { Column, ColumnBatch } from '../columns.js';
import { appendColumns, createTableSql, quoteIdentifier } from '../duckdb-columns.js';
import { commitDraft, draftFiles, drafting, existing, removalOf, type Tables } from './data-files.js';
import { type AddFile, commitInfo, setTransaction } from './delta/actions.js';
import { conflictOf, isRecorded } from './delta/conflicts.js';
import { type Bounds, boundsOf, mayOverlap } from './delta/statistics.js';
import { expectRowsMayGo } from './delta/table-properties.js';
import { fillIn } from './evolution.js';
import { keysTwice, nullKeys } from './keys.js';
import type { AppendResult, KeyedWrite } from './port.js';
import { columnOf } from './predicate.js';
import {
  candidateFiles,
  columnList,
  deleted,
  findCurrent,
  type Rewriting,
  replaces,
  writeAgain,
  writeInserts,
} from './rewrite.js';

const attemptsAtMost = 10;

export async function upsert(
  tables: Tables,
  table: string,
  rows: ColumnBatch,
  { key, txns, run }: KeyedWrite,
  /** `rows` are keys, and what they name goes. */
  removing: boolean,
): Promise<AppendResult> {
  for (let attempt = 0; attempt < attemptsAtMost; attempt++) {
    const state = existing(table, await tables.log(table).refresh());
    const keys = key.map((name) => columnOf(table, state.schema, name));
    if (isRecorded(state, txns) || (rows.rows === 0 && txns.length === 0)) {
      return { committed: false, version: state.version };
    }
    expectRowsMayGo(table, state.metaData, 'an upsert');
    const draft = draftFiles({ ...tables, run: run ?? tables.run }, table, state);
    const rewrite =
      rows.rows === 0
        ? { removed: [], touched: [] }
        : await drafting(draft, () =>
            tables.engine.use((connection) =>
              computeRewrite({ tables, connection, table, state, key, draft }, keys, rows, removing),
            ),
          );
    const nothingToDo = rewrite.removed.length === 0 && draft.files.length === 0 && txns.length === 0;
    let overtaken = false;
    const result = await commitDraft(tables, table, draft, (newest) => {
      const wouldRead = (file: AddFile) => mayHoldKeys(file, keys, rewrite.touched);
      const conflict = conflictOf({ from: state, files: rewrite.removed, wouldRead, txns }, newest);
      overtaken = conflict !== null && conflict !== 'ConcurrentTransaction';
      if (conflict !== null || nothingToDo) return null;
      const nowUs = tables.clock.nowUs();
      return [
        commitInfo(nowUs, removing ? 'DELETE' : 'MERGE', { key: JSON.stringify(key) }),
        ...txns.map(({ appId, version }) => setTransaction(nowUs, appId, version)),
        ...rewrite.removed.map((file) => ({ remove: removalOf(file, true, nowUs) })),
        ...draft.files.map((add) => ({ add })),
      ];
    });
    if (!overtaken) return result;
  }
  throw new CallError(
    'failed',
    `Table ${table}: ${attemptsAtMost} upserts in a row were overtaken by others of the same files; let fewer processes write the same keys.`,
  );
}

interface Rewrite {
  readonly removed: readonly AddFile[];
  /** Of each key column, the bounds of the keys that are written. */
  readonly touched: readonly Bounds[];
}

function mayHoldKeys(file: AddFile, keys: readonly Column[], touched: readonly Bounds[]): boolean {
  return touched.length > 0 && keys.every((column, i) => mayOverlap(boundsOf(file, column), touched[i]!));
}

async function computeRewrite(
  work: Rewriting,
  keys: readonly Column[],
  rows: ColumnBatch,
  removing: boolean,
): Promise<Rewrite> {
  const { connection } = work;
  await findChanged(work, keys, rows, removing);
  const touched = await boundsOfChanged(work);
  const candidates = await candidateFiles(work);
  await findCurrent(work, candidates, []);
  const keyList = columnList(work.key);
  await connection.run(
    `CREATE TEMP TABLE winners AS
     SELECT *, (${keyList}) IN (SELECT (${keyList}) FROM current) AS ${replaces} FROM changed`,
  );
  const removed = await writeAgain(work, candidates);
  await writeInserts(work);
  return { removed, touched };
}

/** Fills `changed`; of keys that go the other columns are null. */
async function findChanged(
  { connection, table, state, key }: Rewriting,
  keys: readonly Column[],
  rows: ColumnBatch,
  removing: boolean,
): Promise<void> {
  const schema = (removing ? keys : state.schema).map((column) =>
    key.includes(column.name) ? { ...column, nullable: true } : column,
  );
  await connection.run(createTableSql('staged', schema, 'TEMP TABLE'));
  await appendColumns(connection, 'staged', schema, fillIn(table, rows, schema));
  const without = key.map((name) => `${quoteIdentifier(name)} IS NULL`).join(' OR ');
  const found = await connection.runAndReadAll(
    `SELECT (SELECT count(*) FROM staged WHERE ${without}),
            (SELECT count(*) FROM (SELECT 1 FROM staged GROUP BY ${columnList(key)} HAVING count(*) > 1))`,
  );
  const [withoutKey, twice] = found.getRows()[0]!.map(Number) as [number, number];
  if (withoutKey > 0) throw new Error(nullKeys(table, key, withoutKey));
  if (twice > 0) throw new Error(keysTwice(table, key, twice));
  const columns = state.schema.map(({ name, type }) =>
    schema.some((column) => column.name === name)
      ? quoteIdentifier(name)
      : `NULL::${type === 'int' ? 'BIGINT' : 'VARCHAR'} AS ${quoteIdentifier(name)}`,
  );
  await connection.run(
    `CREATE TEMP TABLE changed AS SELECT ${columns.join(', ')}, ${removing} AS ${deleted} FROM staged`,
  );
}

async function boundsOfChanged({ connection, key }: Rewriting): Promise<Bounds[]> {
  const extremes = key.flatMap((name) => [`min(${quoteIdentifier(name)})`, `max(${quoteIdentifier(name)})`]);
  const [row] = (await connection.runAndReadAll(`SELECT ${extremes.join(', ')} FROM changed`)).getRows();
  const values = row!.map((value) => (typeof value === 'bigint' ? Number(value) : (value as string)));
  return key.map((_, i) => ({ least: values[2 * i], greatest: values[2 * i + 1] }));
}
