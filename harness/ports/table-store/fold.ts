/**
 * Folds changes into a table of current rows, copy-on-write (rewrite.ts).
 *
 *     files added to `from` -> changed: latest row a key -> winners: those that beat the current row
 *       -> affected files of `into` written again, winners of new keys in files of their own -> commit
 */
import { CallError } from '../../errors.js';
import type { Schema } from '../columns.js';
import { quoteIdentifier, quoteText } from '../duckdb-columns.js';
import { commitDraft, draftFiles, drafting, existing, removalOf, type Tables } from './data-files.js';
import { type AddFile, commitInfo, setTransaction } from './delta/actions.js';
import { conflictOf } from './delta/conflicts.js';
import { mayExceed } from './delta/statistics.js';
import { expectRowsMayGo } from './delta/table-properties.js';
import type { TableState } from './delta/table-state.js';
import { versionsUntilTold } from './fold-position.js';
import type { FoldResult, FoldSpec } from './port.js';
import { columnOf } from './predicate.js';
import { filesAddedSince, rowsOf } from './read-files.js';
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

export async function fold(tables: Tables, spec: FoldSpec): Promise<FoldResult> {
  const appId = `fold:${spec.from}`;
  for (let attempt = 0; attempt < attemptsAtMost; attempt++) {
    const from = existing(spec.from, await tables.log(spec.from).refresh());
    const into = existing(spec.into, await tables.log(spec.into).refresh());
    const position = into.txns.get(appId)?.version ?? -1;
    const news = await filesAddedSince(tables, spec.from, from, position);
    if (news.length === 0) {
      if (from.version - position < versionsUntilTold) return { foldedRows: 0, version: into.version };
      const told = await tables.log(spec.into).commit((state) => {
        if ((existing(spec.into, state).txns.get(appId)?.version ?? -1) !== position) return null;
        const nowUs = tables.clock.nowUs();
        return [commitInfo(nowUs, 'MERGE', { source: spec.from }), setTransaction(nowUs, appId, from.version)];
      });
      return { foldedRows: 0, version: told.version };
    }

    const draft = draftFiles(tables, spec.into, into);
    const rewrite = await drafting(draft, () =>
      tables.engine.use((connection) =>
        computeRewrite({
          tables,
          connection,
          table: spec.into,
          state: into,
          key: spec.key,
          draft,
          spec,
          from,
          into,
          news,
        }),
      ),
    );
    const result = await commitDraft(tables, spec.into, draft, (newest) => {
      // Any rows that came into the table may be of a changed key, and any later position is another fold's.
      const read = { from: into, files: rewrite.removed, wouldRead: () => true };
      if (conflictOf({ ...read, txns: [{ appId, version: position + 1 }] }, newest)) return null;
      const nowUs = tables.clock.nowUs();
      return [
        commitInfo(nowUs, 'MERGE', { source: spec.from, sourceVersion: String(from.version) }),
        setTransaction(nowUs, appId, from.version),
        ...rewrite.removed.map((file) => ({ remove: removalOf(file, true, nowUs) })),
        ...draft.files.map((add) => ({ add })),
      ];
    });
    if (result.committed) return { foldedRows: rewrite.foldedRows, version: result.version };
  }
  throw new CallError(
    'failed',
    `Table ${spec.into}: ${attemptsAtMost} folds of ${spec.from} in a row were overtaken by other rewrites; let one process at a time fold and compact a table.`,
  );
}

/** The order of the current row of a key. */
const before = '"planebench before"';

interface FoldWork extends Rewriting {
  readonly spec: FoldSpec;
  readonly from: TableState;
  readonly into: TableState;
  /** Files of `from` that were not folded yet. */
  readonly news: readonly AddFile[];
}

interface Rewrite {
  readonly foldedRows: number;
  readonly removed: readonly AddFile[];
}

async function computeRewrite(work: FoldWork): Promise<Rewrite> {
  checkTables(work);
  const foldedRows = await findChanged(work);
  if (foldedRows === 0) return { foldedRows, removed: [] };
  const candidates = await candidateFiles(work);
  await findCurrent(work, candidates, [work.spec.order]);
  await findWinners(work);
  await dropStragglers(work);
  const removed = await writeAgain(work, candidates);
  await writeInserts(work);
  return { foldedRows, removed };
}

function checkTables({ spec, from, into }: FoldWork): void {
  expectRowsMayGo(spec.into, into.metaData, 'a fold');
  const needed: Schema = [
    ...into.schema,
    ...[spec.order, ...spec.key].map((name) => columnOf(spec.into, into.schema, name)),
  ];
  for (const { name, type } of needed) {
    if (columnOf(spec.from, from.schema, name).type !== type) {
      throw new Error(`Column ${name} is of another type in ${spec.from} than in ${spec.into}; a fold needs the same.`);
    }
  }
  columnOf(spec.from, from.schema, spec.deletion.column);
  if (spec.unless !== undefined) columnOf(spec.from, from.schema, spec.unless);
}

/** Fills `changed` with the latest new row of each key; answers how many rows were new. */
async function findChanged(work: FoldWork): Promise<number> {
  const { tables, connection, spec, from, into, news } = work;
  const rows = `${await rowsOf(tables, spec.from, from, news)}${considered(spec)}`;
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
  return count;
}

/** Fills `winners` with the changed rows that beat what is current. A change that arrives after a later one loses. */
async function findWinners({ connection, spec }: FoldWork): Promise<void> {
  const order = quoteIdentifier(spec.order);
  await connection.run(
    `CREATE TEMP TABLE winners AS
     SELECT changed.*, ${before} IS NOT NULL AS ${replaces}
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
  const order = columnOf(spec.from, from.schema, spec.order);
  const inserts = `winners WHERE NOT ${replaces} AND NOT ${deleted}`;
  const [[least] = []] = (
    await connection.runAndReadAll(`SELECT min(${quoteIdentifier(spec.order)})::DOUBLE FROM ${inserts}`)
  ).getRows();
  if (typeof least !== 'number') return;
  const fresh = new Set(news.map(({ path }) => path));
  const later = Array.from(from.files.values()).filter(
    (candidate) => !fresh.has(candidate.path) && mayExceed(candidate, order, least),
  );
  if (later.length === 0) return;
  await connection.run(
    `DELETE FROM winners WHERE NOT ${replaces} AND NOT ${deleted} AND EXISTS (
       SELECT 1 FROM (SELECT * FROM ${await rowsOf(tables, spec.from, from, later)}${considered(spec)}) AS past
       WHERE ${spec.key.map((name) => `past.${quoteIdentifier(name)} = winners.${quoteIdentifier(name)}`).join(' AND ')}
         AND past.${quoteIdentifier(spec.order)} > winners.${quoteIdentifier(spec.order)})`,
  );
}

function considered({ unless }: FoldSpec): string {
  return unless === undefined ? '' : ` WHERE ${quoteIdentifier(unless)} IS NULL`;
}
