/**
 * The oracle: what a feature row must be at (customer, lastSeq, asOfUs), recomputed by brute force from the trace.
 * Every order and click is a signed event and every order and device image has the span of seqs in which it is the
 * current one; a row is then a sum or a maximum over all of them, nothing incremental, nothing remembered.
 *
 * It shares no code and no SQL with any plane: only the definition of the view (feature-view.ts) and the trace.
 */
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { customerActivity, type Feature, type Window } from '../../workloads/feature-view.js';
import { readTrace } from '../../workloads/trace.js';
import { HarnessError } from '../errors.js';
import type { Schema } from '../ports/columns.js';
import { appendColumns, createTableSql, quoteText, readColumns } from '../ports/duckdb-columns.js';
import { changeColumns, readChanges } from './trace-changes.js';

export interface RowVersion {
  readonly customer: number;
  readonly lastSeq: number;
  readonly asOfUs: number;
}
/** In the order of the view's features. */
export type Features = readonly (number | null)[];

export interface Oracle {
  /** The features that each row must have, in the order of `rows`. */
  evaluate(rows: readonly RowVersion[]): Promise<readonly Features[]>;
  /** What they would be if no order had ever been deleted. */
  evaluateUndeleted(rows: readonly RowVersion[]): Promise<readonly Features[]>;
  /**
   * Of each row the seq, nearest to its own lastSeq, at which the customer's features at `asOfUs` are the same; null if
   * there is none. At most the `candidates` nearest versions that agree in counts and sums are compared.
   */
  findVersions(
    rows: readonly (RowVersion & { readonly features: Features })[],
    same: (left: Features, right: Features) => boolean,
  ): Promise<readonly (number | null)[]>;
  close(): Promise<void>;
}

const { features } = customerActivity;
const candidates = 64;
/** Rows evaluated at once: bounds the memory of joins and groups. */
const evaluatedRows = 32_768;
const searchedRows = 4_096;

export async function openOracle(traceDirectory: string): Promise<Oracle> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '768MB' });
  const connection = await instance.connect();
  try {
    await loadTrace(connection, traceDirectory);
  } catch (error) {
    connection.closeSync();
    instance.closeSync();
    throw error;
  }
  // One question at a time: they share the table of what is asked.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  };
  return {
    evaluate: (rows) => inTurn(() => evaluate(connection, rows, evaluationSql(asItWas))),
    evaluateUndeleted: (rows) => inTurn(() => evaluate(connection, rows, evaluationSql(undeleted))),
    findVersions: (rows, same) => inTurn(() => findVersions(connection, rows, same)),
    close: () =>
      inTurn(async () => {
        connection.closeSync();
        instance.closeSync();
      }),
  };
}

async function loadTrace(connection: DuckDBConnection, directory: string): Promise<void> {
  const info = await readTrace(directory);
  await connection.run(createTableSql('changes', changeColumns));
  for await (const batch of readChanges(directory, info)) {
    await appendColumns(connection, 'changes', changeColumns, batch);
  }
  const history = (name: string) => `read_parquet(${quoteText(join(directory, 'history', `${name}.parquet`))})`;
  for (const statement of [
    signedOrders(history('orders')),
    signedClicks(history('clicks')),
    orderImages(history('orders')),
    deviceImages(history('devices')),
    ...undeletedViews,
    'CREATE TABLE versions AS SELECT customer, seq FROM changes',
    'DROP TABLE changes',
  ]) {
    await connection.run(statement);
  }
}

/** An insert adds its image, a delete takes it away, an update does both; history is there from seq 0. */
function signedOrders(history: string): string {
  return `CREATE TABLE orders AS
    SELECT customer, 0 AS seq, 1 AS sign, placed_us AS at_us, amount_cents, category, false AS deletes FROM ${history}
    UNION ALL
    SELECT customer, seq, 1, event_us, amount_cents, category, false FROM changes
      WHERE refusal = 0 AND source = 0 AND event_us IS NOT NULL
    UNION ALL
    SELECT customer, seq, -1, before_event_us, before_amount_cents, before_category, event_us IS NULL FROM changes
      WHERE refusal = 0 AND source = 0 AND before_event_us IS NOT NULL`;
}

function signedClicks(history: string): string {
  return `CREATE TABLE clicks AS
    SELECT customer, 0 AS seq, 1 AS sign, clicked_us AS at_us FROM ${history}
    UNION ALL
    SELECT customer, seq, 1, event_us FROM changes WHERE refusal = 0 AND source = 1`;
}

/** A seq beyond all others. */
const forEver = '9007199254740992';

/** Where the evaluation finds the orders. */
interface Orders {
  readonly signed: string;
  readonly images: string;
}
const asItWas: Orders = { signed: 'orders', images: 'order_images' };
const undeleted: Orders = { signed: 'undeleted_orders', images: 'undeleted_order_images' };
/** Computed when they are asked for: a sound run pays nothing for them. */
const undeletedViews = [
  `CREATE VIEW ${undeleted.signed} AS FROM ${asItWas.signed} WHERE NOT deletes`,
  `CREATE VIEW ${undeleted.images} AS
    SELECT * REPLACE (CASE WHEN deleted THEN ${forEver} ELSE to_seq END AS to_seq) FROM ${asItWas.images}`,
];

/** Each image of an order and the seqs [from_seq, to_seq) at which it is the order's current one; a deletion has none. */
function orderImages(history: string): string {
  return imagesSql('order_images', 0, 'placed_us', '0', `SELECT customer, order_id, 0, placed_us, 0 FROM ${history}`);
}

function deviceImages(history: string): string {
  const past = `SELECT customer, device_id, 0, seen_us, risk FROM ${history}`;
  return imagesSql('device_images', 2, 'seen_us', 'risk', past);
}

function imagesSql(table: string, source: number, time: string, risk: string, history: string): string {
  return `CREATE TABLE ${table} AS
    WITH image (customer, entity, from_seq, ${time}, risk) AS (
      ${history}
      UNION ALL
      SELECT customer, entity, seq, event_us, ${risk} FROM changes WHERE refusal = 0 AND source = ${source}
    ), span AS (
      SELECT *, coalesce(lead(from_seq) OVER images, ${forEver}) AS to_seq,
        coalesce(lead(${time} IS NULL) OVER images, false) AS deleted
      FROM image WINDOW images AS (PARTITION BY customer, entity ORDER BY from_seq)
    )
    SELECT * FROM span WHERE ${time} IS NOT NULL`;
}

const askedColumns = [
  { name: 'row', type: 'int', nullable: false },
  { name: 'customer', type: 'int', nullable: false },
  { name: 'seq', type: 'int', nullable: false },
  { name: 'as_of', type: 'int', nullable: false },
] as const satisfies Schema;

async function ask(connection: DuckDBConnection, rows: readonly RowVersion[]): Promise<void> {
  for (const { customer, lastSeq, asOfUs } of rows) {
    if (![customer, lastSeq, asOfUs].every((value) => Number.isSafeInteger(value) && value >= 0))
      throw new HarnessError(
        `the oracle was asked for customer ${customer} at seq ${lastSeq}, as of ${asOfUs}: integers from 0 on are expected`,
      );
  }
  await connection.run(createTableSql('asked', askedColumns).replace('CREATE TABLE', 'CREATE OR REPLACE TEMP TABLE'));
  await appendColumns(connection, 'asked', askedColumns, {
    rows: rows.length,
    columns: {
      row: rows.map((_, row) => row),
      customer: rows.map(({ customer }) => customer),
      seq: rows.map(({ lastSeq }) => lastSeq),
      as_of: rows.map(({ asOfUs }) => asOfUs),
    },
  });
}

async function evaluate(
  connection: DuckDBConnection,
  rows: readonly RowVersion[],
  sql: string,
): Promise<readonly Features[]> {
  const evaluated: Features[] = [];
  for (let from = 0; from < rows.length; from += evaluatedRows) {
    await ask(connection, rows.slice(from, from + evaluatedRows));
    for await (const { rows: count, columns } of readColumns(connection, sql, featureColumns)) {
      for (let i = 0; i < count; i++) {
        evaluated.push(features.map(({ name }) => columns[name]![i] as number | null));
      }
    }
  }
  return evaluated;
}

const featureColumns: Schema = features.map(({ name }) => ({ name, type: 'int', nullable: true }));

/** The event lies in the window that is open at `as_of`: (floor(as_of, tile) - window, as_of]. */
function inWindow({ windowUs, tileUs }: Window, time: string): string {
  return `${time} > as_of - as_of % ${tileUs} - ${windowUs} AND ${time} <= as_of`;
}

type Counted = Extract<Feature, { kind: 'count' | 'sum' }>;
const counted = features.filter((feature): feature is Counted => feature.kind === 'count' || feature.kind === 'sum');
const age = featureOf('age');
const top = featureOf('top');
const share = featureOf('top_share');
const latest = featureOf('latest');

function featureOf<Kind extends Feature['kind']>(kind: Kind): Extract<Feature, { kind: Kind }> {
  const found = features.filter((feature) => feature.kind === kind);
  if (found.length !== 1) throw new Error(`the oracle evaluates views with one feature of kind ${kind}`);
  return found[0] as Extract<Feature, { kind: Kind }>;
}

/** What one signed event contributes to a count or sum. */
function contribution({ kind, window }: Counted): string {
  const amount = kind === 'sum' ? 'sign * amount_cents' : 'sign';
  return `CASE WHEN ${inWindow(window, 'at_us')} THEN ${amount} ELSE 0 END`;
}

function countsOf(source: 'orders' | 'clicks', events: string): string {
  const sums = counted
    .filter((feature) => feature.source === source)
    .map((feature) => `sum(${contribution(feature)}) AS ${feature.name}`);
  return `SELECT row, ${sums.join(', ')} FROM asked JOIN ${events} AS event USING (customer)
      WHERE event.seq <= asked.seq GROUP BY row`;
}

const evaluationSql = ({ signed, images }: Orders) => `
  WITH order_counts AS (${countsOf('orders', signed)}),
  click_counts AS (${countsOf('clicks', 'clicks')}),
  category_counts AS (
    SELECT row, category, sum(sign) AS orders FROM asked JOIN ${signed} AS event USING (customer)
    WHERE event.seq <= asked.seq AND ${inWindow(top.window, 'at_us')} GROUP BY row, category
  ),
  category_ranks AS (
    SELECT *, row_number() OVER (PARTITION BY row ORDER BY orders DESC, category) AS place,
      sum(orders) OVER (PARTITION BY row) AS total
    FROM category_counts
  ),
  top_category AS (
    SELECT row, category, orders * 10000 // total AS share_bp FROM category_ranks WHERE place = 1 AND orders > 0
  ),
  last_order AS (
    SELECT row, max(placed_us) AS placed_us FROM asked JOIN ${images} USING (customer)
    WHERE from_seq <= asked.seq AND asked.seq < to_seq AND ${inWindow(age.window, 'placed_us')} GROUP BY row
  ),
  device_ranks AS (
    SELECT row, risk, row_number() OVER (PARTITION BY row ORDER BY seen_us DESC, entity) AS place
    FROM asked JOIN device_images USING (customer) WHERE from_seq <= asked.seq AND asked.seq < to_seq
  )
  SELECT
    ${counted.map(({ name }) => `coalesce(${name}, 0)::BIGINT AS ${name}`).join(',\n    ')},
    (as_of - placed_us)::BIGINT AS ${age.name},
    category::BIGINT AS ${top.name},
    share_bp::BIGINT AS ${share.name},
    risk::BIGINT AS ${latest.name}
  FROM asked
  LEFT JOIN order_counts USING (row) LEFT JOIN click_counts USING (row)
  LEFT JOIN top_category USING (row) LEFT JOIN last_order USING (row)
  LEFT JOIN (FROM device_ranks WHERE place = 1) USING (row)
  ORDER BY row`;

const wantedColumns = [
  { name: 'row', type: 'int', nullable: false },
  { name: 'mix', type: 'int', nullable: false },
] as const satisfies Schema;
const foundColumns = [
  { name: 'row', type: 'int', nullable: false },
  { name: 'seq', type: 'int', nullable: false },
  { name: 'nearness', type: 'int', nullable: false },
] as const satisfies Schema;

/** Factors by which counts and sums are mixed into one number: equal rows have equal mixes, and few others have. */
const mixFactors = counted.map(({ kind }, i) => (kind === 'sum' ? 3 + 2 * i : 1_000_003 + 20_002 * i));

function mixOf(row: Features): number {
  return counted.reduce((mix, feature, i) => mix + mixFactors[i]! * (row[features.indexOf(feature)] ?? 0), 0);
}

function mixSteps(source: 'orders' | 'clicks'): string {
  const terms = counted.flatMap((feature, i) =>
    feature.source === source ? [`${mixFactors[i]} * ${contribution(feature)}`] : [],
  );
  return `SELECT row, event.seq, ${terms.join(' + ')} AS step FROM asked JOIN ${source} AS event USING (customer)`;
}

/**
 * The mix of a row's counts and sums at every seq at once, as a running total over the customer's changes, finds the
 * versions that may be equal; those are then evaluated whole.
 */
const searchSql = `
  WITH step AS (
    ${mixSteps('orders')}
    UNION ALL ${mixSteps('clicks')}
    UNION ALL SELECT row, 0, 0 FROM asked
    UNION ALL SELECT row, versions.seq, 0 FROM asked JOIN versions USING (customer)
  ),
  version AS (SELECT row, seq, sum(step)::BIGINT AS step FROM step GROUP BY row, seq),
  total AS (SELECT row, seq, sum(step) OVER (PARTITION BY row ORDER BY seq ROWS UNBOUNDED PRECEDING) AS mix FROM version),
  equal AS (
    SELECT row, total.seq, row_number() OVER (PARTITION BY row ORDER BY abs(total.seq - asked.seq), total.seq) AS nearness
    FROM total JOIN wanted USING (row) JOIN asked USING (row) WHERE total.mix = wanted.mix
  )
  SELECT row, seq::BIGINT AS seq, nearness::BIGINT AS nearness FROM equal
  WHERE nearness <= ${candidates} ORDER BY row, nearness`;

async function findVersions(
  connection: DuckDBConnection,
  rows: readonly (RowVersion & { readonly features: Features })[],
  same: (left: Features, right: Features) => boolean,
): Promise<(number | null)[]> {
  const found: (number | null)[] = new Array(rows.length).fill(null);
  for (let from = 0; from < rows.length; from += searchedRows) {
    const searched = rows.slice(from, from + searchedRows);
    // Whatever a plane served: fractions and astronomical numbers are no version of anything.
    const searchable = searched
      .map((row, at) => ({ ...row, at }))
      .filter((row) => Number.isSafeInteger(mixOf(row.features)));
    const possible = await possibleVersions(connection, searchable);
    // Nearest first: as a rule that is it, and the others need no evaluation.
    for (const [nearest, farthest] of [
      [1, 1],
      [2, 8],
      [9, candidates],
    ] as const) {
      const next = possible
        .map(({ row, seq, nearness }) => ({ ...searchable[row]!, lastSeq: seq, nearness }))
        .filter(({ at, nearness }) => found[from + at] === null && nearness >= nearest && nearness <= farthest);
      const evaluated = await evaluate(connection, next, evaluationSql(asItWas));
      next.forEach(({ at, lastSeq, features: wanted }, i) => {
        if (found[from + at] === null && same(evaluated[i]!, wanted)) found[from + at] = lastSeq;
      });
    }
  }
  return found;
}

async function possibleVersions(
  connection: DuckDBConnection,
  rows: readonly (RowVersion & { readonly features: Features })[],
): Promise<{ row: number; seq: number; nearness: number }[]> {
  await ask(connection, rows);
  await connection.run(createTableSql('wanted', wantedColumns).replace('CREATE TABLE', 'CREATE OR REPLACE TEMP TABLE'));
  await appendColumns(connection, 'wanted', wantedColumns, {
    rows: rows.length,
    columns: { row: rows.map((_, row) => row), mix: rows.map((row) => mixOf(row.features)) },
  });
  const possible: { row: number; seq: number; nearness: number }[] = [];
  for await (const { rows: count, columns } of readColumns(connection, searchSql, foundColumns)) {
    for (let i = 0; i < count; i++) {
      possible.push({
        row: columns.row![i] as number,
        seq: columns.seq![i] as number,
        nearness: columns.nearness![i] as number,
      });
    }
  }
  return possible;
}

export function sameFeatures(left: Features, right: Features): boolean {
  return left.length === right.length && left.every((value, i) => value === right[i]);
}
