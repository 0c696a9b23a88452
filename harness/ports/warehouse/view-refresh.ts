/**
 * The refresh of a materialised feature view, by SQL, inside the transaction of the caller.
 *
 * A change is one or two *images*: +1 for `after`, -1 for the `before` that it retracts. A refresh moves the view from
 * (old as_of, old changes) to (new as_of, new changes), so what an image adds to a window is
 *
 *     n * (is in the new window - was in the old window and already counted)
 *
 * which is not 0 only for new images and for images between the old and the new bounds of a window. Only these are
 * looked at; the sums of the view are moved by them and never computed again. What is no sum (the latest order, the top
 * category, the latest device) is found again for the entities for which it may have changed.
 *
 * Tables, per view V in the schema `views`:
 *
 *     V             the served rows: entity, last_seq, one column a feature;
 *                   the row of entity -1 holds the view's as_of in last_seq, so that one look-up reads both
 *     V.waiting     merged changes that wait for an earlier seq of their entity
 *     V.<source>    applied images of a source with windows: entity, event time, n, values
 *     V.<column>_<window>   per entity and value of a `top` feature's column, how many images are in the window
 *     V.<source>    for a `latest` feature: the current row of every device
 *     refreshed     per view: as_of, the first row of the changes not yet seen, rows of history seen
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { type Feature, type FeatureView, isAdditive, type Window } from '../../../workloads/feature-view.js';
import { quoteIdentifier as quoted, quoteText } from '../duckdb-columns.js';
import {
  type LatestFeature,
  latestFeatures,
  type Source,
  sourceColumns,
  type WindowedSource,
  type WindowFeature,
  windowedSources,
  windowIndex,
  windowStartUs,
} from './feature-sources.js';
import type { RefreshSpec } from './port.js';
import { execute, queryRow } from './statements.js';

/** The entity that stands for the view itself; customers are 0 and above. */
export const viewItself = -1;

export const viewTable = (view: string) => `views.${quoted(view)}`;
/** The column of a feature; an age is held as the time that it is the age of, so that it need not change with as_of. */
const featureColumn = ({ name, kind }: Feature) => quoted(kind === 'age' ? agePrefix + name : name);
const agePrefix = 'since ';
export const isAgeColumn = (column: string) => column.startsWith(agePrefix);

/** A SELECT of the rows that are served, with the features by their names. */
export function servedRows({ name, features }: FeatureView): string {
  const columns = features.map((feature) => {
    const column = featureColumn(feature);
    return feature.kind === 'age' ? `as_of_us - ${column} AS ${quoted(feature.name)}` : column;
  });
  return `SELECT customer, last_seq, as_of_us, ${columns.join(', ')} FROM ${viewTable(name)},
    (SELECT last_seq AS as_of_us FROM ${viewTable(name)} WHERE customer = ${viewItself}) WHERE customer <> ${viewItself}`;
}

const waitingTable = ({ view }: RefreshSpec) => `views.${quoted(`${view.name}.waiting`)}`;
const sourceTable = ({ view }: RefreshSpec, source: Source) => `views.${quoted(`${view.name}.${source}`)}`;
const countsTable = ({ view }: RefreshSpec, { column, window }: Top) =>
  `views.${quoted(`${view.name}.${column}_${window.label}`)}`;
const historyTable = ({ history }: RefreshSpec, source: Source) => quoted(history + source);

/** Names of the views that were ever refreshed. */
export async function refreshedViews(connection: DuckDBConnection): Promise<string[]> {
  const exists = await queryRow(
    connection,
    `SELECT 1 FROM duckdb_tables() WHERE schema_name = 'views' AND table_name = 'refreshed'`,
  );
  if (!exists) return [];
  const views = await connection.runAndReadAll('SELECT view FROM views.refreshed');
  return views.getRows().map(([view]) => String(view));
}

/** What a refresh goes from and to. */
interface Step {
  readonly spec: RefreshSpec;
  /** Null: nothing has been counted, the view is built from all history and changes. */
  readonly fromUs: number | null;
  readonly toUs: number;
}

export async function refreshView(connection: DuckDBConnection, spec: RefreshSpec): Promise<{ entities: number }> {
  await createViewTables(connection, spec);
  const last = await lastRefresh(connection, spec);
  const historyRows = await countHistory(connection, spec);
  const isNew = last.asOfUs === null || last.historyRows !== historyRows;
  if (isNew) await clearView(connection, spec);

  const queue = await queueChanges(connection, spec, isNew ? 0 : last.nextRow);
  const toUs = Math.max(spec.asOfUs, last.asOfUs ?? 0, queue.latestCommitUs);
  if (!isNew && queue.rows === 0 && toUs === last.asOfUs) return { entities: 0 };

  const step: Step = { spec, fromUs: isNew ? null : last.asOfUs, toUs };
  await addEntities(connection, step);
  await advanceLastSeq(connection, spec);
  for (const source of windowedSources(spec.view.features)) await moveWindows(connection, step, source);
  for (const feature of latestFeatures(spec.view.features)) await moveLatest(connection, step, feature);
  await keepWaiting(connection, spec);
  await recordRefresh(connection, spec, { asOfUs: toUs, nextRow: queue.nextRow, historyRows });
  return { entities: await countTouched(connection, spec) };
}

async function createViewTables(connection: DuckDBConnection, spec: RefreshSpec): Promise<void> {
  const { view, changes } = spec;
  const create = (table: string, columns: readonly string[]) =>
    execute(connection, `CREATE TABLE IF NOT EXISTS ${table} (${columns.join(', ')})`);
  await execute(connection, 'CREATE SCHEMA IF NOT EXISTS views');
  await create('views.refreshed', ['view VARCHAR', 'as_of_us BIGINT', 'next_row BIGINT', 'history_rows BIGINT']);
  await create(viewTable(view.name), [
    'customer BIGINT PRIMARY KEY',
    'last_seq BIGINT NOT NULL',
    ...view.features.map((feature) => `${featureColumn(feature)} BIGINT${isAdditive(feature) ? ' NOT NULL' : ''}`),
  ]);
  await execute(
    connection,
    `CREATE TABLE IF NOT EXISTS ${waitingTable(spec)} AS SELECT ${queuedColumns} FROM ${quoted(changes)} LIMIT 0`,
  );
  for (const { source, features, values } of windowedSources(view.features)) {
    const typed = values.map((value) => `${quoted(value)} BIGINT`);
    await create(sourceTable(spec, source), ['customer BIGINT', 'event_us BIGINT', 'n TINYINT', ...typed]);
    for (const top of topsOf(features)) {
      await create(countsTable(spec, top), ['customer BIGINT', 'value BIGINT', 'n BIGINT']);
    }
  }
  for (const { source, column } of latestFeatures(view.features)) {
    await create(sourceTable(spec, source), [
      'customer BIGINT',
      'entity BIGINT',
      'event_us BIGINT',
      `${quoted(column)} BIGINT`,
    ]);
  }
}

interface Refreshed {
  readonly asOfUs: number;
  /** The first row of the table of changes that has not been seen: it is only ever appended to, so rows keep their numbers. */
  readonly nextRow: number;
  readonly historyRows: number;
}

async function lastRefresh(
  connection: DuckDBConnection,
  { view }: RefreshSpec,
): Promise<Refreshed | { asOfUs: null; nextRow: 0; historyRows: 0 }> {
  const row = await queryRow(
    connection,
    `SELECT as_of_us, next_row, history_rows FROM views.refreshed WHERE view = ${quoteText(view.name)}`,
  );
  return row
    ? { asOfUs: Number(row[0]), nextRow: Number(row[1]), historyRows: Number(row[2]) }
    : { asOfUs: null, nextRow: 0, historyRows: 0 };
}

async function recordRefresh(
  connection: DuckDBConnection,
  { view }: RefreshSpec,
  { asOfUs, nextRow, historyRows }: Refreshed,
): Promise<void> {
  const name = quoteText(view.name);
  await execute(connection, `DELETE FROM views.refreshed WHERE view = ${name}`);
  await execute(connection, `INSERT INTO views.refreshed VALUES (${name}, ${asOfUs}, ${nextRow}, ${historyRows})`);
  await execute(connection, `UPDATE ${viewTable(view.name)} SET last_seq = ${asOfUs} WHERE customer = ${viewItself}`);
}

const sourcesOf = ({ view }: RefreshSpec): Source[] => [...new Set(view.features.map(({ source }) => source))];

async function countHistory(connection: DuckDBConnection, spec: RefreshSpec): Promise<number> {
  const counts = sourcesOf(spec).map((source) => `(SELECT count(*) FROM ${historyTable(spec, source)})`);
  return Number((await queryRow(connection, `SELECT ${counts.join(' + ')}`))![0]);
}

/** Back to the rows of entities of which nothing is known. */
async function clearView(connection: DuckDBConnection, spec: RefreshSpec): Promise<void> {
  const { view } = spec;
  const nothing = view.features.map((feature) => `${featureColumn(feature)} = ${isAdditive(feature) ? '0' : 'NULL'}`);
  await execute(connection, `UPDATE ${viewTable(view.name)} SET last_seq = 0, ${nothing.join(', ')}`);
  const counts = windowedSources(view.features).flatMap(({ features }) =>
    topsOf(features).map((top) => countsTable(spec, top)),
  );
  const state = [waitingTable(spec), ...sourcesOf(spec).map((source) => sourceTable(spec, source)), ...counts];
  for (const table of state) await execute(connection, `DELETE FROM ${table}`);
}

const queuedColumns = [
  ...['customer', 'seq', 'commit_us', 'source_table', 'op', 'refused', 'entity', 'event_us', 'amount_cents'],
  ...['category', 'risk', 'before_event_us', 'before_amount_cents', 'before_category'],
].join(', ');

/**
 * Gathers the changes that are new or were waiting, and marks those that apply: all of an entity whose seqs follow its
 * last_seq without a gap, refused ones included.
 */
async function queueChanges(
  connection: DuckDBConnection,
  spec: RefreshSpec,
  nextRow: number,
): Promise<{ rows: number; nextRow: number; latestCommitUs: number }> {
  await execute(
    connection,
    `CREATE OR REPLACE TEMP TABLE queued AS
       SELECT q.*, coalesce(v.last_seq, 0) + row_number() OVER (PARTITION BY q.customer ORDER BY q.seq) = q.seq AS applies
       FROM (SELECT ${queuedColumns}, rowid AS row FROM ${quoted(spec.changes)} WHERE rowid >= ${nextRow}
             UNION ALL SELECT ${queuedColumns}, NULL FROM ${waitingTable(spec)}) q
       LEFT JOIN ${viewTable(spec.view.name)} v ON v.customer = q.customer`,
  );
  const row = await queryRow(
    connection,
    'SELECT count(*) FILTER (applies OR row IS NOT NULL), max(row), max(commit_us) FILTER (applies) FROM queued',
  );
  const [rows, lastRow, latestCommitUs] = row!;
  return {
    rows: Number(rows),
    nextRow: lastRow === null ? nextRow : Number(lastRow) + 1,
    latestCommitUs: Number(latestCommitUs ?? 0),
  };
}

async function keepWaiting(connection: DuckDBConnection, spec: RefreshSpec): Promise<void> {
  await execute(connection, `DELETE FROM ${waitingTable(spec)}`);
  await execute(connection, `INSERT INTO ${waitingTable(spec)} SELECT ${queuedColumns} FROM queued WHERE NOT applies`);
}

async function addEntities(connection: DuckDBConnection, { spec, fromUs }: Step): Promise<void> {
  const { view } = spec;
  const known = ['SELECT customer FROM queued WHERE applies'];
  if (fromUs === null) {
    known.push(`SELECT ${viewItself}`);
    known.push(...sourcesOf(spec).map((source) => `SELECT customer FROM ${historyTable(spec, source)}`));
  }
  const nothing = view.features.map((feature) => (isAdditive(feature) ? '0' : 'NULL'));
  await execute(
    connection,
    `INSERT INTO ${viewTable(view.name)}
       SELECT DISTINCT customer, 0, ${nothing.join(', ')} FROM (${known.join(' UNION ALL ')}) k
       WHERE NOT EXISTS (SELECT 1 FROM ${viewTable(view.name)} v WHERE v.customer = k.customer)`,
  );
}

async function advanceLastSeq(connection: DuckDBConnection, { view }: RefreshSpec): Promise<void> {
  await execute(
    connection,
    `UPDATE ${viewTable(view.name)} AS v SET last_seq = q.last_seq
       FROM (SELECT customer, max(seq) AS last_seq FROM queued WHERE applies GROUP BY customer) q
       WHERE q.customer = v.customer`,
  );
}

const movedTable = (source: Source) => quoted(`moved_${source}`);
/** The column of `moved_<source>` with what an image adds to a window. */
const weightColumn = (index: number) => `w${index}`;

async function moveWindows(connection: DuckDBConnection, step: Step, source: WindowedSource): Promise<void> {
  await gatherMoved(connection, step, source);
  await keepImages(connection, step, source);
  await moveSums(connection, step, source);
  for (const feature of source.features) {
    if (feature.kind === 'age') await moveAge(connection, step, source, feature);
  }
  for (const top of topsOf(source.features)) await moveTop(connection, step, source, top);
}

/** The images that change a window: new ones, and those between its old and new bounds. */
async function gatherMoved(connection: DuckDBConnection, step: Step, source: WindowedSource): Promise<void> {
  const { spec, fromUs, toUs } = step;
  const values = source.values.map(quoted);
  const image = ['customer', 'event_us', 'n', ...values].join(', ');
  const parts = [
    `SELECT ${['customer', 'event_us', '1 AS n', ...values].join(', ')}, true AS is_new FROM queued
       WHERE applies AND refused IS NULL AND source_table = ${quoteText(source.source)} AND op <> 'd'`,
    `SELECT ${['customer', 'before_event_us', '-1', ...source.values.map((value) => quoted(`before_${value}`))].join(', ')}, true FROM queued
       WHERE applies AND refused IS NULL AND source_table = ${quoteText(source.source)} AND op <> 'c'`,
  ];
  if (fromUs === null) {
    const { eventTime } = sourceColumns[source.source];
    parts.push(
      `SELECT ${['customer', quoted(eventTime), '1', ...values].join(', ')}, true FROM ${historyTable(spec, source.source)}`,
    );
  } else {
    const crossed = [between('event_us', fromUs, toUs)];
    for (const window of source.windows) {
      const [before, after] = [windowStartUs(fromUs, window), windowStartUs(toUs, window)];
      if (before !== after) crossed.push(between('event_us', before, after));
    }
    parts.push(`SELECT ${image}, false FROM ${sourceTable(spec, source.source)} WHERE ${crossed.join(' OR ')}`);
  }
  const weights = source.windows.map((window, i) => {
    const isIn = `CAST(${between('event_us', windowStartUs(toUs, window), toUs)} AS TINYINT)`;
    const wasIn =
      fromUs === null
        ? '0'
        : `CAST(NOT is_new AND ${between('event_us', windowStartUs(fromUs, window), fromUs)} AS TINYINT)`;
    return `CAST(n * (${isIn} - ${wasIn}) AS TINYINT) AS ${weightColumn(i)}`;
  });
  await execute(
    connection,
    `CREATE OR REPLACE TEMP TABLE ${movedTable(source.source)} AS
       SELECT ${image}, is_new, ${weights.join(', ')} FROM (${parts.join(' UNION ALL ')})`,
  );
}

/** In (after, upTo], as windows are. */
const between = (column: string, after: number, upTo: number) => `(${column} > ${after} AND ${column} <= ${upTo})`;

/** New images are kept for as long as they can enter or leave a window. */
async function keepImages(connection: DuckDBConnection, { spec, toUs }: Step, source: WindowedSource): Promise<void> {
  const image = ['customer', 'event_us', 'n', ...source.values.map(quoted)].join(', ');
  const oldestUs = Math.min(...source.windows.map((window) => windowStartUs(toUs, window)));
  await execute(
    connection,
    `INSERT INTO ${sourceTable(spec, source.source)}
       SELECT ${image} FROM ${movedTable(source.source)} WHERE is_new AND event_us > ${oldestUs}`,
  );
}

async function moveSums(connection: DuckDBConnection, { spec }: Step, source: WindowedSource): Promise<void> {
  const sums = source.features.filter(isAdditive);
  if (sums.length === 0) return;
  const deltas = sums.map((feature) => {
    const weight = weightColumn(windowIndex(source, feature.window));
    const term = feature.kind === 'sum' ? `${weight} * ${quoted(feature.column)}` : weight;
    return `CAST(sum(${term}) AS BIGINT) AS ${quoted(feature.name)}`;
  });
  const moves = sums.map(({ name }) => `${quoted(name)} = v.${quoted(name)} + d.${quoted(name)}`);
  await execute(
    connection,
    `UPDATE ${viewTable(spec.view.name)} AS v SET ${moves.join(', ')}
       FROM (SELECT customer, ${deltas.join(', ')} FROM ${movedTable(source.source)} GROUP BY customer) d
       WHERE d.customer = v.customer`,
  );
}

/**
 * The view holds the event time of the latest live image in the window. It moves forward with new images; it is searched
 * for again, among all images of the entity, where an image at it or after it was retracted.
 */
async function moveAge(
  connection: DuckDBConnection,
  { spec, toUs }: Step,
  source: WindowedSource,
  feature: Extract<WindowFeature, { kind: 'age' }>,
): Promise<void> {
  const view = viewTable(spec.view.name);
  const latest = featureColumn(feature);
  const startUs = windowStartUs(toUs, feature.window);
  const netMoves = (sign: '<' | '>') =>
    `SELECT customer, event_us FROM ${movedTable(source.source)}
       GROUP BY customer, event_us HAVING sum(${weightColumn(windowIndex(source, feature.window))}) ${sign} 0`;
  await execute(
    connection,
    `CREATE OR REPLACE TEMP TABLE retracted AS
       SELECT DISTINCT m.customer FROM (${netMoves('<')}) m JOIN ${view} v ON v.customer = m.customer
       WHERE m.event_us >= v.${latest} AND m.event_us > ${startUs}`,
  );
  await execute(connection, `UPDATE ${view} SET ${latest} = NULL WHERE ${latest} <= ${startUs}`);
  await execute(
    connection,
    `UPDATE ${view} AS v SET ${latest} = greatest(v.${latest}, m.event_us)
       FROM (SELECT customer, max(event_us) AS event_us FROM (${netMoves('>')}) GROUP BY customer) m
       WHERE m.customer = v.customer`,
  );
  await execute(
    connection,
    `UPDATE ${view} AS v SET ${latest} = f.event_us
       FROM (SELECT r.customer, max(i.event_us) AS event_us FROM retracted r
             LEFT JOIN (SELECT customer, event_us FROM ${sourceTable(spec, source.source)}
                        WHERE ${between('event_us', startUs, toUs)} AND customer IN (FROM retracted)
                        GROUP BY customer, event_us HAVING sum(n) > 0) i ON i.customer = r.customer
             GROUP BY r.customer) f
       WHERE f.customer = v.customer`,
  );
}

/** A column and a window of which features tell the most frequent value, or its share. */
interface Top {
  readonly column: string;
  readonly window: Window;
  readonly features: readonly Extract<WindowFeature, { kind: 'top' | 'top_share' }>[];
}

function topsOf(features: readonly WindowFeature[]): Top[] {
  const ranked = features.filter((feature) => feature.kind === 'top' || feature.kind === 'top_share');
  const byCounts = new Map<string, Top>();
  for (const { column, window } of ranked) {
    const own = ranked.filter((other) => other.column === column && other.window.label === window.label);
    byCounts.set(`${column}_${window.label}`, { column, window, features: own });
  }
  return [...byCounts.values()];
}

async function moveTop(connection: DuckDBConnection, { spec }: Step, source: WindowedSource, top: Top): Promise<void> {
  const counts = countsTable(spec, top);
  const weight = weightColumn(windowIndex(source, top.window));
  await execute(
    connection,
    `CREATE OR REPLACE TEMP TABLE counted AS
       SELECT customer, ${quoted(top.column)} AS value, CAST(sum(${weight}) AS BIGINT) AS n
       FROM ${movedTable(source.source)} GROUP BY customer, value HAVING sum(${weight}) <> 0`,
  );
  await execute(
    connection,
    `MERGE INTO ${counts} AS t USING counted AS c ON (t.customer = c.customer AND t.value = c.value)
       WHEN MATCHED THEN UPDATE SET n = t.n + c.n WHEN NOT MATCHED THEN INSERT VALUES (c.customer, c.value, c.n)`,
  );
  const sets = top.features.map(({ name, kind }) =>
    kind === 'top'
      ? `${quoted(name)} = w.value`
      : `${quoted(name)} = CASE WHEN w.total > 0 THEN w.most * 10000 // w.total END`,
  );
  // The rank puts more before fewer and, among equals, the lower value first.
  await execute(
    connection,
    `UPDATE ${viewTable(spec.view.name)} AS v SET ${sets.join(', ')}
       FROM (SELECT customer, arg_max(value, n * 4294967296 - value) FILTER (n > 0) AS value, max(n) AS most,
                    CAST(sum(n) AS BIGINT) AS total
             FROM ${counts} WHERE customer IN (SELECT customer FROM counted) GROUP BY customer) w
       WHERE w.customer = v.customer`,
  );
}

/** Keeps the current row of every device; of each entity with a new one, finds the latest again, the lowest id on ties. */
async function moveLatest(connection: DuckDBConnection, { spec, fromUs }: Step, feature: LatestFeature): Promise<void> {
  const { source, name, column } = feature;
  const current = sourceTable(spec, source);
  const value = quoted(column);
  const images = [
    `SELECT customer, entity, event_us, ${value}, seq FROM queued
       WHERE applies AND refused IS NULL AND source_table = ${quoteText(source)}`,
  ];
  if (fromUs === null) {
    const { entity, eventTime } = sourceColumns[source];
    images.push(
      `SELECT customer, ${quoted(entity)}, ${quoted(eventTime)}, ${value}, 0 FROM ${historyTable(spec, source)}`,
    );
  }
  await execute(
    connection,
    `CREATE OR REPLACE TEMP TABLE renewed AS SELECT * FROM (${images.join(' UNION ALL ')})
       QUALIFY row_number() OVER (PARTITION BY customer, entity ORDER BY seq DESC) = 1`,
  );
  await execute(
    connection,
    `MERGE INTO ${current} AS t USING renewed AS r ON (t.customer = r.customer AND t.entity = r.entity)
       WHEN MATCHED THEN UPDATE SET event_us = r.event_us, ${value} = r.${value}
       WHEN NOT MATCHED THEN INSERT VALUES (r.customer, r.entity, r.event_us, r.${value})`,
  );
  // A deleted device has no event time, and is the latest of nobody.
  await execute(
    connection,
    `UPDATE ${viewTable(spec.view.name)} AS v SET ${quoted(name)} = l.value
       FROM (SELECT customer, CASE WHEN event_us IS NOT NULL THEN ${value} END AS value FROM ${current}
             WHERE customer IN (SELECT customer FROM renewed)
             QUALIFY row_number() OVER (PARTITION BY customer ORDER BY event_us DESC NULLS LAST, entity) = 1) l
       WHERE l.customer = v.customer`,
  );
}

async function countTouched(connection: DuckDBConnection, { view }: RefreshSpec): Promise<number> {
  const moved = windowedSources(view.features).map(
    ({ source, windows }) =>
      `SELECT customer FROM ${movedTable(source)} WHERE ${windows.map((_, i) => `${weightColumn(i)} <> 0`).join(' OR ')}`,
  );
  const row = await queryRow(
    connection,
    `SELECT count(*) FROM (SELECT customer FROM queued WHERE applies UNION ${moved.join(' UNION ')})`,
  );
  return Number(row![0]);
}
