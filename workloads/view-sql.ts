/**
 * The feature view in SQL, over changes and history as planes store them (fact-schemas.ts): written from the definition
 * (feature-view.ts), once for scoring and for training, so that the two cannot differ. A row is asked for by a *moment*: a
 * customer, the last change that counts, and the time at which windows are evaluated.
 *
 *     moment (row_id, customer, last_seq, as_of_us)  ->  features, one row a moment
 *
 * An image that a change brings is an event with sign 1, the image that it replaces or deletes one with sign -1, each at
 * its own event time; history has seq 0.
 */
import { type Feature, type FeatureView, isAdditive, type Window } from './feature-view.js';

/** Names under which the statements find the tables. */
export const viewTables = ['history_orders', 'history_clicks', 'history_devices', 'changes'] as const;

/**
 * Of each customer the changes without a gap before them: `last_seq` counts those alone. Duplicates are in the table
 * twice, the copy refused.
 */
export const countedChanges = `
  SELECT customer, seq, any_value(commit_us) AS commit_us FROM (
    SELECT customer, seq, commit_us, dense_rank() OVER (PARTITION BY customer ORDER BY seq) AS place FROM changes
  ) WHERE seq = place GROUP BY customer, seq`;

/** Of every customer from `first` up to, not including, `last`: after his last change, his windows as of one time. */
export function momentsOfCustomers(first: number, last: number, asOfUs: number): string {
  return `
    SELECT customer AS row_id, customer, coalesce(last_seq, 0) AS last_seq, ${asOfUs}::BIGINT AS as_of_us
    FROM (SELECT range AS customer FROM range(${first}, ${last}))
    LEFT JOIN (SELECT customer, max(seq) AS last_seq FROM (${countedChanges}) GROUP BY customer) USING (customer)`;
}

/** Of every label, in the relation `labels`: after the last change that the source had committed by then. */
const momentsOfLabels = `
    SELECT label_id AS row_id, any_value(label.customer) AS customer, coalesce(max(seq), 0) AS last_seq,
      any_value(label_us) AS as_of_us, any_value(label_us) AS label_us, any_value(label) AS label
    FROM labels AS label
    LEFT JOIN (${countedChanges}) AS counted ON counted.customer = label.customer AND counted.commit_us <= label_us
    GROUP BY label_id`;

/** A training set: the labels, each with the features of its own moment and nothing later. */
export const trainingSql = (view: FeatureView) =>
  `SELECT row_id AS label_id, * EXCLUDE (row_id) FROM (${viewSql(view, momentsOfLabels)})`;

/** The features of `moments`, a SELECT of (row_id, customer, last_seq, as_of_us); its columns come with them. */
export function viewSql({ features }: FeatureView, moments: string): string {
  const age = only(features, 'age');
  const top = only(features, 'top');
  const longest = features.reduce(
    (widest, feature) => ('window' in feature && feature.window.windowUs > widest.windowUs ? feature.window : widest),
    top.window,
  );
  const windows = windowsOf(features);
  const starts = windows.map(startOf).join(', ');
  const isLongest = `at_us > ${startOf(longest)} AND at_us <= as_of_us`;
  // Of what is in the longest one: all end at the same moment, so that its start says what is in a window.
  const inWindow = (window: Window) => (window.label === longest.label ? 'true' : `at_us > ${startOf(window)}`);
  return `
  WITH moment AS MATERIALIZED (
    SELECT *, ${windows.map((window) => `${startSql(window)} AS ${startOf(window)}`).join(', ')} FROM (${moments})
  ),
  applied AS (SELECT * FROM changes WHERE refused IS NULL),
  order_events AS (
    SELECT customer, 0 AS seq, 1 AS sign, placed_us AS at_us, amount_cents, category FROM history_orders
    UNION ALL
    SELECT customer, seq, 1, event_us, amount_cents, category FROM applied
      WHERE source_table = 'orders' AND event_us IS NOT NULL
    UNION ALL
    SELECT customer, seq, -1, before_event_us, before_amount_cents, before_category FROM applied
      WHERE source_table = 'orders' AND before_event_us IS NOT NULL
  ),
  click_events AS (
    SELECT customer, 0 AS seq, 1 AS sign, clicked_us AS at_us FROM history_clicks
    UNION ALL
    SELECT customer, seq, 1, event_us FROM applied WHERE source_table = 'clicks'
  ),
  device_images AS (
    SELECT customer, 0 AS seq, device_id, seen_us, risk FROM history_devices
    UNION ALL
    SELECT customer, seq, entity, event_us, risk FROM applied WHERE source_table = 'devices'
  ),
  open_orders AS MATERIALIZED (
    SELECT row_id, ${starts}, sign, at_us, amount_cents, category FROM moment JOIN order_events USING (customer)
    WHERE seq <= last_seq AND ${isLongest}
  ),
  orders_of AS (
    SELECT row_id, ${sums(features, 'orders', inWindow)},
      max(at_us) FILTER (WHERE ${inWindow(age.window)}) AS placed_us, bool_or(sign < 0) AS is_retracted
    FROM open_orders GROUP BY row_id
  ),
  clicks_of AS (
    SELECT row_id, ${sums(features, 'clicks', inWindow)}
    FROM moment JOIN click_events USING (customer)
    WHERE seq <= last_seq AND ${isLongest} GROUP BY row_id
  ),
  gone_times AS (
    SELECT row_id, at_us
    FROM open_orders SEMI JOIN (SELECT row_id, at_us FROM open_orders WHERE sign < 0) USING (row_id, at_us)
    GROUP BY row_id, at_us HAVING sum(sign) <= 0
  ),
  live_order_of AS (
    SELECT row_id, max(at_us) AS placed_us
    FROM open_orders SEMI JOIN (FROM orders_of WHERE is_retracted) USING (row_id)
      ANTI JOIN gone_times USING (row_id, at_us)
    WHERE sign > 0 AND ${inWindow(age.window)} GROUP BY row_id
  ),
  categories_of AS (
    SELECT row_id, category, sum(sign)::BIGINT AS orders FROM open_orders
    WHERE ${inWindow(top.window)} GROUP BY row_id, category
  ),
  top_of AS (
    SELECT row_id, max(orders * ${categoryBound} + ${categoryBound} - 1 - category) AS packed,
      sum(orders)::BIGINT AS total
    FROM categories_of WHERE orders > 0 GROUP BY row_id
  ),
  risk_of AS (
    SELECT row_id, arg_max(risk, (seen_us, -device_id)) AS risk FROM (
      SELECT row_id, device_id, arg_max(seen_us, seq) AS seen_us, arg_max(risk, seq) AS risk
      FROM moment JOIN device_images USING (customer) WHERE seq <= last_seq GROUP BY row_id, device_id
    ) GROUP BY row_id
  )
  SELECT moment.* EXCLUDE (${starts}), ${features.map((feature) => `(${featureSql(feature)})::BIGINT AS ${feature.name}`).join(',\n    ')}
  FROM moment LEFT JOIN orders_of USING (row_id) LEFT JOIN clicks_of USING (row_id)
    LEFT JOIN live_order_of USING (row_id) LEFT JOIN top_of USING (row_id) LEFT JOIN risk_of USING (row_id)`;
}

/** Beyond every category, so that a count and a category fit into one number: the greatest is the top one, lowest id first. */
const categoryBound = 4_096;

function featureSql(feature: Feature): string {
  switch (feature.kind) {
    case 'count':
    case 'sum':
      return `coalesce(${feature.name}, 0)`;
    case 'age':
      return 'as_of_us - CASE WHEN is_retracted THEN live_order_of.placed_us ELSE orders_of.placed_us END';
    case 'top':
      return `${categoryBound} - 1 - packed % ${categoryBound}`;
    case 'top_share':
      return `packed // ${categoryBound} * 10000 // total`;
    case 'latest':
      return 'risk_of.risk';
  }
}

/** Each once. */
function windowsOf(features: readonly Feature[]): Window[] {
  const windows = features.flatMap((feature) => ('window' in feature ? [feature.window] : []));
  return [...new Map(windows.map((window) => [window.label, window])).values()];
}

/** A window is (floor(t, tile) - window, t]. */
const startSql = ({ windowUs, tileUs }: Window) => `as_of_us - as_of_us % ${tileUs} - ${windowUs}`;
/** The column of its start. */
const startOf = ({ label }: Window) => `start_${label}`;

function sums(features: readonly Feature[], source: 'orders' | 'clicks', inWindow: (window: Window) => string): string {
  return features
    .filter(isAdditive)
    .filter((feature) => feature.source === source)
    .map(({ kind, name, window }) => {
      const amount = kind === 'sum' ? 'sign * amount_cents' : 'sign';
      return `sum(${amount}) FILTER (WHERE ${inWindow(window)}) AS ${name}`;
    })
    .join(', ');
}

function only<Kind extends Feature['kind']>(features: readonly Feature[], kind: Kind) {
  const found = features.filter((feature) => feature.kind === kind);
  if (found.length !== 1)
    throw new Error(`the view in SQL has exactly one feature of kind ${kind}, not ${found.length}`);
  return found[0] as Extract<Feature, { kind: Kind }>;
}
