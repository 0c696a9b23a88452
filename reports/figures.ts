/**
 * The comparison table, once, for every format: planes as columns, figures as rows, grouped. HTML, Markdown, JUnit and
 * terminal print this model, so that they cannot disagree on a word, a digit or a winner.
 */
import type { Badge, Comparison, Estimate, ScenarioSummary, Summary } from './summary.js';
import { formatCount, formatNumber, sharedScale, withSuffix } from './units.js';

export interface FigureTable {
  readonly scenario: string;
  readonly planes: readonly string[];
  readonly groups: readonly { readonly title: string; readonly rows: readonly FigureRow[] }[];
}

export interface FigureRow {
  readonly metric: string;
  readonly statistic: string;
  readonly label: string;
  readonly meaning: string;
  readonly better: Estimate['better'];
  readonly basis: Basis;
  /** A note that all planes share; then the cells have none. */
  readonly note: string | null;
  /** One a plane, in the order of the table's planes. */
  readonly cells: readonly Cell[];
}

/** The part of a table that is shown first, or the part behind it; null if there is nothing in it. */
export function partOf(table: FigureTable, part: 'main' | 'other'): FigureTable | null {
  const groups = table.groups
    .map(({ title, rows }) => ({
      title,
      rows: rows.filter((row) => (isMain(row) && isKnown(row)) === (part === 'main')),
    }))
    .filter(({ rows }) => rows.length > 0);
  return groups.length === 0 ? null : { ...table, groups };
}

/** False where no plane offers the figure and none was asked for it: such a row stands behind the others, never left out. */
function isKnown({ cells }: FigureRow): boolean {
  return cells.some(
    (cell) => cell.kind === 'figure' || (cell.words !== words.not_offered && cell.words !== words.not_measured),
  );
}

export function countRows({ groups }: FigureTable): number {
  return groups.reduce((sum, { rows }) => sum + rows.length, 0);
}

/** How the figures of a row are known. Figures with another badge, stack or time scale stand in a row of their own. */
export interface Basis {
  readonly badge: Badge;
  readonly stack: string;
  readonly timeScale: number;
}

export type Cell = { readonly plane: string } & (
  | {
      readonly kind: 'figure';
      readonly value: number;
      readonly text: string;
      /** "39.0 to 44.1", in the unit of the text; null where no interval could be made. */
      readonly interval: string | null;
      readonly best: boolean;
      readonly method: string;
      readonly confidenceLevel: number | null;
      readonly runs: number;
      readonly samples: number;
      readonly note: string | null;
    }
  | { readonly kind: 'words'; readonly words: string; readonly note: string | null }
);

export function figureTables(summary: Summary): FigureTable[] {
  return scenarioNames(summary).map((scenario) => figureTable(summary, scenario));
}

/** Those with most planes first, as a comparison comes before what surrounds it; else in the order of the suite. */
export function scenarioNames(summary: Summary): string[] {
  const names = distinct(
    [...summary.run.scenarios, ...summary.estimates.map(({ scenario }) => ({ name: scenario }))],
    (s) => s.name,
  );
  const planes = (name: string) =>
    new Set(summary.estimates.filter((e) => e.scenario === name).map((e) => e.architecture)).size;
  return names.sort((a, b) => planes(b) - planes(a));
}

export function planeNames(summary: Summary): string[] {
  return distinct(
    [
      ...summary.run.architectures,
      ...[...summary.estimates, ...summary.faultOutcomes].map(({ architecture }) => ({ name: architecture })),
    ],
    (a) => a.name,
  );
}

/** What a scenario is there for, and "20,000 changes/s, 300 predictions/s, ...", for the reader. */
export function loadOf(scenario: ScenarioSummary): string {
  const load = [
    `${formatCount(scenario.changesPerSecond)} changes/s`,
    `${formatCount(scenario.predictionsPerSecond)} predictions/s`,
    `${formatCount(scenario.lookupsPerSecond)} lookups/s`,
    `${formatCount(scenario.customers)} customers`,
    `${formatCount(scenario.historyFacts)} facts of history`,
  ].join(', ');
  return scenario.about === null ? load : `${scenario.about}. ${load}`;
}

export function basisText({ badge, stack, timeScale }: Basis): string {
  return `${badge}, ${stack} stack, ${timeScaleText(timeScale)}`;
}

export function timeScaleText(timeScale: number): string {
  return timeScale === 1 ? 'time unscaled' : `time \u00F7 ${formatCount(timeScale)}`;
}

export function confidenceText(level: number): string {
  return `${formatCount(Math.round(level * 1e6) / 1e4)} %`;
}

export function metricLabel(metric: string, statistic: string): string {
  const name = metrics[metric]?.label ?? plain(metric.slice(metric.indexOf('.') + 1));
  return unsaid.has(statistic) ? name : `${name}, ${statistic}`;
}

export const words = {
  insufficient: 'insufficient',
  censored: 'censored',
  not_offered: 'not offered',
  not_measured: 'not measured',
  invalid: 'invalid',
  absent: 'no figure',
} as const;

export const wordMeanings: readonly { readonly word: string; readonly meaning: string }[] = [
  { word: words.insufficient, meaning: 'too few independent samples or runs to state this figure honestly' },
  { word: words.censored, meaning: 'the end was not seen: all that is known is a bound, which the note gives' },
  {
    word: words.not_offered,
    meaning: 'the plane does not have this operation, or lets nobody look; that is not a zero',
  },
  {
    word: words.not_measured,
    meaning: 'nobody looked: the suite does not ask for it, or it happens where nothing is sampled',
  },
  { word: words.invalid, meaning: 'the runs behind it cannot be judged; see "Validity"' },
  { word: words.absent, meaning: 'the summary holds no value here' },
];

function figureTable(summary: Summary, scenario: string): FigureTable {
  const estimates = summary.estimates.filter((estimate) => estimate.scenario === scenario);
  const comparisons = summary.comparisons.filter((comparison) => comparison.scenario === scenario);
  const present = new Set(estimates.map(({ architecture }) => architecture));
  const planes = planeNames(summary).filter((plane) => present.has(plane));
  const rows = gathered(estimates, (e) =>
    [e.metric, e.statistic, e.unit, e.badge, e.stack, e.timeScale].join('\n'),
  ).map((row) => figureRow(row, planes, comparisons, estimates));
  const groups = groupTitles.map((title) => ({
    title,
    rows: rows.filter(({ metric }) => groupOf(metric) === title).sort((a, b) => rankOf(a.metric) - rankOf(b.metric)),
  }));
  return { scenario, planes, groups: groups.filter(({ rows }) => rows.length > 0) };
}

function figureRow(
  row: readonly Estimate[],
  planes: readonly string[],
  comparisons: readonly Comparison[],
  all: readonly Estimate[],
): FigureRow {
  const { metric, statistic, unit, better, badge, stack, timeScale } = row[0]!;
  const best = bestPlane(row, comparisons, all);
  const scale = sharedScale(
    row.flatMap((e) => (e.validity === 'ok' && e.pointEstimate !== null ? [e.pointEstimate] : [])),
    unit,
  );
  const cells = planes.map((plane): Cell => {
    const estimate = row.find(({ architecture }) => architecture === plane);
    if (estimate === undefined) return { plane, kind: 'words', words: words.absent, note: null };
    // Why runs are invalid is said once, with the runs.
    const note = estimate.validity === 'invalid' ? null : (estimate.note ?? null);
    if (estimate.validity !== 'ok') return { plane, kind: 'words', words: words[estimate.validity], note };
    if (estimate.pointEstimate === null) return { plane, kind: 'words', words: words.absent, note };
    const scaled = scale(estimate.pointEstimate);
    const interval = estimate.confidenceInterval;
    return {
      plane,
      kind: 'figure',
      value: estimate.pointEstimate,
      text: withSuffix(formatNumber(estimate.pointEstimate, scaled), scaled),
      interval:
        interval && `${formatNumber(interval.lowerBound, scaled)} to ${formatNumber(interval.upperBound, scaled)}`,
      best: plane === best,
      method: estimate.method,
      confidenceLevel: interval?.confidenceLevel ?? null,
      runs: estimate.runs,
      samples: estimate.samples,
      note,
    };
  });
  const notes = new Set(cells.map(({ note }) => note));
  const [shared = null] = cells.length > 1 && notes.size === 1 ? notes : [];
  return {
    metric,
    statistic,
    note: shared,
    label: metricLabel(metric, statistic),
    meaning: metrics[metric]?.meaning ?? '',
    better,
    basis: { badge, stack, timeScale },
    cells: shared === null ? cells : cells.map((cell) => ({ ...cell, note: null })),
  };
}

/**
 * The plane that a comparison found better than every other plane of the row. There is none where one of them has no
 * sound figure, or where the scenario knows the same metric on another basis: the comparison does not say which it was.
 */
function bestPlane(
  row: readonly Estimate[],
  comparisons: readonly Comparison[],
  all: readonly Estimate[],
): string | null {
  const { metric, statistic } = row[0]!;
  const sameMetric = all.filter((e) => e.metric === metric && e.statistic === statistic);
  const rivals = row.filter(({ validity }) => validity !== 'not_offered' && validity !== 'not_measured');
  if (sameMetric.length !== row.length || rivals.length < 2) return null;
  if (rivals.some((e) => e.better === 'neither' || e.validity !== 'ok' || e.pointEstimate === null)) return null;
  const verdicts = comparisons.filter((c) => c.metric === metric && c.statistic === statistic);
  const beats = (winner: string, loser: string) =>
    verdicts.some(
      ({ candidate, reference, outcome }) =>
        (candidate === winner && reference === loser && outcome === 'better') ||
        (candidate === loser && reference === winner && outcome === 'worse'),
    );
  const planes = rivals.map(({ architecture }) => architecture);
  return planes.find((plane) => planes.every((other) => other === plane || beats(plane, other))) ?? null;
}

const groupTitles = [
  'Freshness',
  'Latency',
  'Correctness',
  'Recovery',
  'Ingest',
  'Storage and serving',
  'Batch',
  'Resources',
  'Cost',
  'Other',
] as const;
type GroupTitle = (typeof groupTitles)[number];

const groups: Readonly<Record<string, GroupTitle>> = {
  freshness: 'Freshness',
  inference: 'Latency',
  lookup: 'Latency',
  ledger: 'Correctness',
  faults: 'Recovery',
  rollback: 'Recovery',
  ingest: 'Ingest',
  backfill: 'Ingest',
  storage: 'Storage and serving',
  serving: 'Storage and serving',
  scoring: 'Batch',
  training: 'Batch',
  lineage: 'Storage and serving',
  resources: 'Resources',
  cost: 'Cost',
  energy: 'Resources',
};

function groupOf(metric: string): GroupTitle {
  return groups[metric.split('.')[0]!] ?? 'Other';
}

interface Metric {
  readonly label: string;
  readonly meaning: string;
  /** The statistics that a report shows first; the others stand behind them. */
  readonly main: readonly string[];
}

/**
 * What a metric is called and means; in the order of the rows. A metric that is not here keeps its own name, and all its
 * figures are shown first.
 */
const metrics: Readonly<Record<string, Metric>> = {
  'freshness.visibility': {
    label: 'Visibility',
    meaning: 'from the emission of a change until a read shows it',
    main: ['p50', 'p95', 'p99'],
  },
  'freshness.slo_met': {
    label: 'SLO met',
    meaning: 'share of seconds of which 95 % of changes were visible in time',
    main: ['share'],
  },
  'freshness.staleness': {
    label: 'Staleness',
    meaning: 'age of the first change that a read does not show yet',
    main: ['p95'],
  },
  'freshness.as_of_lag': { label: 'Age of as_of', meaning: 'age of the moment at which a row was evaluated', main: [] },
  'freshness.unseen': { label: 'Never seen', meaning: 'changes that no probe showed until the end', main: [] },
  inference: {
    label: 'Prediction',
    meaning: 'from the intended start; errors count as time-outs',
    main: ['p50', 'p95', 'p99'],
  },
  'inference.errors': { label: 'Predictions failed', meaning: 'errors and time-outs', main: ['share'] },
  'inference.service': { label: 'Prediction, service time', meaning: 'from the actual start', main: [] },
  'inference.start_error': { label: 'Prediction, start error', meaning: 'how late the load generator was', main: [] },
  lookup: { label: 'Feature lookup', meaning: 'from the intended start; errors count as time-outs', main: ['p99'] },
  'lookup.errors': { label: 'Lookups failed', meaning: 'errors and time-outs', main: [] },
  'lookup.service': { label: 'Feature lookup, service time', meaning: 'from the actual start', main: [] },
  'lookup.start_error': {
    label: 'Feature lookup, start error',
    meaning: 'how late the load generator was',
    main: ['p99'],
  },
  'ledger.lost': { label: 'Lost', meaning: 'acknowledged changes that the tables do not hold', main: ['total'] },
  'ledger.duplicated': { label: 'Duplicated', meaning: 'changes held more than once, the surplus', main: ['total'] },
  'ledger.unexpected': {
    label: 'Unexpected',
    meaning: 'changes held that were never emitted, or were to be refused',
    main: ['total'],
  },
  'ledger.behind': {
    label: 'Behind after draining',
    meaning: 'rows that do not reflect every acknowledged change',
    main: ['total'],
  },
  'ledger.visible': { label: 'Visible', meaning: 'acknowledged changes that the final rows show', main: [] },
  'ledger.reordered': {
    label: 'Reordered',
    meaning: 'final rows that are older than what was read before',
    main: ['total'],
  },
  'ledger.torn': { label: 'Torn', meaning: 'rows that mix two versions, final and sampled', main: ['total'] },
  'ledger.skewed': {
    label: 'Skewed',
    meaning: 'customers of whom the final row and the tables disagree',
    main: ['total'],
  },
  'ledger.wrong_rows': { label: 'Wrong after draining', meaning: 'rows that differ from the oracle', main: ['total'] },
  'ledger.settled_wrong_rows': {
    label: 'Wrong after its own correction',
    meaning: 'rows that differ from the oracle once the plane has corrected itself, where it does',
    main: ['total'],
  },
  'ledger.live_wrong': {
    label: 'Wrong under load',
    meaning: 'sampled reads that differ from the oracle',
    main: ['share'],
  },
  'ledger.personal_data_leaks': {
    label: 'Personal data stored',
    meaning: 'raw values found in what was stored',
    main: ['total'],
  },
  'ledger.monotonic_violations': {
    label: 'Reads that went back',
    meaning: 'older than an earlier read of the key',
    main: [],
  },
  'ledger.rpo': { label: 'RPO', meaning: 'span of emission of the acknowledged changes that were lost', main: [] },
  'ledger.quarantine_missing': {
    label: 'Refusals not listed',
    meaning: 'refused changes that the plane does not list',
    main: [],
  },
  'ledger.quarantine_unexpected': {
    label: 'Refusals listed in error',
    meaning: 'changes listed that were to be taken',
    main: [],
  },
  'ledger.acknowledged': { label: 'Acknowledged', meaning: 'changes durably appended to the change log', main: [] },
  'faults.mttr': {
    label: 'MTTR',
    meaning: 'from a fault until the SLO is regained and held',
    main: ['mean'],
  },
  'faults.slo_lost': { label: 'SLO lost', meaning: 'share of faults that cost any SLO', main: ['share'] },
  'faults.availability_lost': {
    label: 'Availability lost',
    meaning: 'share of faults after which too few calls of a second succeeded',
    main: [],
  },
  'faults.latency_lost': {
    label: 'Latency lost',
    meaning: 'share of faults after which too many predictions of a second were slow',
    main: [],
  },
  'faults.freshness_lost': {
    label: 'Freshness lost',
    meaning: 'share of faults after which too few changes were visible in time',
    main: [],
  },
  'faults.role_ready': {
    label: 'In service again',
    meaning: 'from the fault until what it struck is in service',
    main: ['mean'],
  },
  'faults.first_failure': { label: 'First failure seen', meaning: 'from the fault', main: [] },
  'faults.first_success': { label: 'First success', meaning: 'from the fault', main: [] },
  'faults.slo_regained': {
    label: 'SLO regained',
    meaning: 'from the fault until it is held, where it was lost; of several the last',
    main: [],
  },
  'faults.availability_regained': {
    label: 'Availability regained',
    meaning: 'from the fault until it is held, in whole seconds',
    main: [],
  },
  'faults.latency_regained': {
    label: 'Latency regained',
    meaning: 'from the fault until it is held, in whole seconds',
    main: [],
  },
  'faults.freshness_regained': { label: 'Freshness regained', meaning: 'from the fault until it is held', main: [] },
  'faults.back_in_band': { label: 'Back in band', meaning: 'from the fault until staleness is as before', main: [] },
  'faults.backlog_drained': { label: 'Backlog drained', meaning: 'from the fault', main: [] },
  'faults.visibility': {
    label: 'Visibility under the fault',
    meaning: 'of changes emitted until what was struck is back in service',
    main: [],
  },
  'faults.slo_met': { label: 'SLO met after the fault', meaning: 'share of seconds', main: [] },
  'faults.inference': { label: 'Prediction after the fault', meaning: 'from the intended start', main: [] },
  'faults.inference_errors': { label: 'Predictions failed after the fault', meaning: 'errors and time-outs', main: [] },
  'reprocess.rows': {
    label: 'Rows made again',
    meaning: 'of all rows of tables that were made of poisoned changes',
    main: ['share'],
  },
  'reprocess.files': { label: 'Files written again', meaning: 'of all files of these tables', main: ['share'] },
  'reprocess.wrong_rows': {
    label: 'Wrong rows after reprocessing',
    meaning: 'still show what was poisoned, or were disturbed',
    main: ['total'],
  },
  'rollback.time': { label: 'Rollback', meaning: 'until every probe reads the restored versions', main: ['mean'] },
  'rollback.forward_time': {
    label: 'Roll forward',
    meaning: 'until every probe reads the newest state again',
    main: ['mean'],
  },
  'rollback.mixed_rows': {
    label: 'Mixed reads',
    meaning: 'features of one state and the model of another',
    main: ['total'],
  },
  'rollback.wrong_rows': {
    label: 'Wrong reads of a rollback',
    meaning: 'not the rows of the snapshot, or of a state that had been left',
    main: ['total'],
  },
  'ingest.throughput': { label: 'Throughput', meaning: 'highest rate found sustainable', main: ['mean'] },
  'ingest.achieved_rate': { label: 'Changes taken in', meaning: 'at the offered rate', main: ['mean'] },
  'ingest.offered_rate': { label: 'Changes offered', meaning: '', main: [] },
  'ingest.backlog': { label: 'Backlog', meaning: 'changes emitted and not yet visible', main: ['p95'] },
  'ingest.backlog_growth': { label: 'Growth of the backlog', meaning: 'Theil-Sen over the minima of cycles', main: [] },
  'source.capture_lag': {
    label: 'Capture lag',
    meaning: 'from the commit in the source database until the change log has it',
    main: ['p95'],
  },
  'backfill.time_per_tb': {
    label: 'Backfill',
    meaning: 'until the history is served, per TB of source Parquet',
    main: ['mean'],
  },
  'backfill.time_per_tb_columns': {
    label: 'Backfill, uncompressed',
    meaning: 'per TB of uncompressed columns',
    main: [],
  },
  'backfill.rows_per_s': { label: 'Backfill, rows', meaning: '', main: [] },
  'backfill.wrong_rows': {
    label: 'Backfill, wrong rows',
    meaning: 'served rows that differ from the oracle',
    main: [],
  },
  'storage.small_files_per_million_rows': {
    label: 'Small files',
    meaning: 'data files below the small-file bound',
    main: ['mean'],
  },
  'storage.small_files_before_compaction': {
    label: 'Small files before compaction',
    meaning: 'the most that were seen during the load',
    main: ['mean'],
  },
  'storage.small_file_reduction': {
    label: 'Small files removed',
    meaning: 'from the most during the load to the plane at rest',
    main: ['share'],
  },
  'storage.files': { label: 'Data files', meaning: 'of the newest versions', main: [] },
  'storage.tiered': {
    label: 'Warm and cold',
    meaning: 'bytes of the newest versions that lie in lower tiers',
    main: [],
  },
  'storage.tier_bytes_saved': {
    label: 'Bytes saved by tiers',
    meaning: 'against the same rows left hot',
    main: [],
  },
  'storage.tier_cost_saved': {
    label: 'Cost of storage saved by tiers',
    meaning: 'at list prices, against the same rows left hot; reads of them are not in it',
    main: ['share'],
  },
  'storage.bytes': {
    label: 'Stored',
    meaning: 'what lies in storage after the load, older versions and logs of tables included',
    main: ['mean'],
  },
  'storage.bytes_online_store': { label: 'Stored, online store', meaning: '', main: [] },
  'storage.bytes_tables': { label: 'Stored, tables', meaning: '', main: [] },
  'storage.bytes_warehouse': { label: 'Stored, warehouse', meaning: '', main: [] },
  'serving.cache_hit_ratio': {
    label: 'Cache hits',
    meaning: 'keys answered without a read of the store',
    main: ['share'],
  },
  'scoring.throughput': {
    label: 'Batch scoring',
    meaning: 'rows of a pinned snapshot scored and written, from the request to the answer',
    main: ['mean'],
  },
  'scoring.throughput_beside_load': {
    label: 'Batch scoring beside the load',
    meaning: 'the same while changes and reads go on',
    main: ['mean'],
  },
  'scoring.snapshot_throughput': {
    label: 'Snapshot',
    meaning: 'rows of the feature view made from the tables and pinned',
    main: ['mean'],
  },
  'scoring.scan_amplification': {
    label: 'Scan amplification',
    meaning: 'bytes read per byte of the columns needed',
    main: ['mean'],
  },
  'scoring.scan_amplification_requested': {
    label: 'Scan amplification, requested',
    meaning: 'bytes of the column chunks that could not be ruled out, per byte of the columns needed',
    main: [],
  },
  'scoring.slice_scan_amplification': {
    label: 'Scan amplification of a slice',
    meaning: 'bytes read per byte of the columns needed, for a range of customers',
    main: ['mean'],
  },
  'scoring.slice_scan_amplification_requested': {
    label: 'Scan amplification of a slice, requested',
    meaning: 'bytes of the column chunks that could not be ruled out, per byte of the columns needed',
    main: [],
  },
  'scoring.wrong_rows': {
    label: 'Scored rows that are wrong',
    meaning: 'against the oracle and the model',
    main: ['total'],
  },
  'scoring.reproducibility': {
    label: 'Reproducibility',
    meaning: 'what was made again of its pins and was the same to the last row',
    main: ['share'],
  },
  'scoring.not_reproduced': {
    label: 'Not reproduced',
    meaning: 'what was made again of its pins and was not the same',
    main: [],
  },
  'training.rows_per_s': {
    label: 'Training set',
    meaning: 'rows joined with the features of their moment',
    main: ['mean'],
  },
  'training.leaks': { label: 'Leaks', meaning: 'training rows that know what came after their label', main: ['total'] },
  'training.wrong_rows': { label: 'Training rows that are wrong', meaning: 'against the oracle', main: ['total'] },
  'lineage.coverage': {
    label: 'Lineage coverage',
    meaning: 'assets whose provenance resolves completely',
    main: ['share'],
  },
  'resources.cpu': { label: 'CPU', meaning: 'of all processes of the plane and its servers', main: ['mean'] },
  'resources.memory': {
    label: 'Memory',
    meaning: 'resident, of all processes of the plane and its servers',
    main: ['mean'],
  },
  'resources.memory_whole_run': {
    label: 'Memory, whole run',
    meaning: 'resident, of all processes that the run started, from the loading of history to the last batch work',
    main: ['mean'],
  },
  'cost.per_1k_predictions': {
    label: '1,000 predictions',
    meaning: 'cost of the measured window per 1,000 predictions answered in it',
    main: ['mean'],
  },
  'cost.per_million_changes': {
    label: 'A million changes',
    meaning: 'cost of the measured window per million changes made visible in it',
    main: ['mean'],
  },
  'cost.per_slo_point': {
    label: 'A point of the SLO',
    meaning: 'cost of the measured window per percentage point of its seconds in which the freshness SLO was met',
    main: ['mean'],
  },
  'resources.load_cpu': { label: 'CPU of the load generator', meaning: '', main: [] },
};

/** Shown first; what is not is shown behind it, never left out. */
export function isMain({ metric, statistic }: { readonly metric: string; readonly statistic: string }): boolean {
  return metrics[metric]?.main.includes(statistic) ?? true;
}

const ranks: Readonly<Record<string, number>> = Object.fromEntries(
  Object.keys(metrics).map((name, rank) => [name, rank]),
);

function rankOf(metric: string): number {
  return ranks[metric] ?? Number.MAX_SAFE_INTEGER;
}

/** Statistics that a label need not say. */
const unsaid: ReadonlySet<string> = new Set(['total', 'share', 'value']);

function plain(name: string): string {
  const spaced = name
    .replaceAll('_', ' ')
    .replaceAll('.', ', ')
    .replace(/\b(?:cpu|rss|slo|tb|io)\b/g, (word) => word.toUpperCase());
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

function distinct<T extends { readonly name: string }>(items: readonly T[], key: (item: T) => string): string[] {
  return [...new Set(items.map(key))];
}

/** In groups of one key, in the order in which the keys first come. */
export function gathered<T>(items: readonly T[], key: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return [...groups.values()];
}
