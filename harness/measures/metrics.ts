/**
 * The registry: every measure, once, with its unit, which way is better, and how it is pooled over runs. The names of a
 * metric and a statistic joined by a dot are those of reports/published-results.ts where the paper has the figure
 * (`inference` + `p99`).
 */
import type { PriceBook, Unit } from '../../reports/summary.js';
import type { Finding, RunFacts } from '../record/facts.js';
import type { Domain } from '../statistics/interval.js';
import { measureBackfill } from './backfill.js';
import { measureBacklog } from './backlog.js';
import { measureBatch } from './batch.js';
import { measureCache } from './cache.js';
import { measureCapture } from './capture.js';
import { foldCost, measureCost, type RunCost } from './cost.js';
import { foldVisibility, measureFreshness } from './freshness.js';
import { measureLatency } from './latency.js';
import { measureLedger } from './ledger.js';
import { measureLineage } from './lineage.js';
import { type Losses, lossesOf } from './losses.js';
import type { AbsentMeasure, Measure, MeasureOf } from './measured.js';
import { notOffered } from './measured.js';
import { type Panel, readPanel } from './panel.js';
import { foldRecovery, measureRecovery, type Recovery } from './recovery.js';
import { measureResources } from './resources.js';
import { measureStorage } from './storage.js';
import { judgeRun } from './validity.js';

/**
 * `kind` decides how runs are pooled: samples are merged, ratios are sums over sums, trials likewise with an exact
 * interval, counts are totals. `domain` is what values the figure can have.
 */
interface Metric {
  readonly kind: Exclude<Measure['kind'], 'absent'>;
  readonly unit: Unit;
  readonly better: 'lower' | 'higher' | 'neither';
  readonly domain: Domain;
  readonly statistics: readonly string[];
  /** Asked only where a scenario has batch work. */
  readonly inBatch?: true;
  /** Use times prices: another price book makes it another figure. */
  readonly priced?: true;
  /** Asked only where changes come from a database. */
  readonly fromDatabase?: true;
  /** The statistic declared in advance for comparisons that are corrected as one family; others are exploratory. */
  readonly primary?: string;
}

const times = { kind: 'samples', unit: 'us', better: 'lower', domain: 'positive' } as const;
const quantiles = ['p50', 'p95', 'p99'] as const;
const clock = { ...times, statistics: ['mean', 'p50'] } as const;
const lossOfSlo = { kind: 'trials', unit: 'share', better: 'lower', domain: 'share', statistics: ['share'] } as const;
const share = { kind: 'ratio', unit: 'share', domain: 'share', statistics: ['share'] } as const;
const defects = { kind: 'count', unit: 'count', better: 'lower', domain: 'positive', statistics: ['total'] } as const;
const inBatch = { inBatch: true, domain: 'positive' } as const;
const batchRate = { ...inBatch, kind: 'ratio', unit: 'per_s', better: 'higher', statistics: ['mean'] } as const;
const amplification = { ...inBatch, kind: 'ratio', unit: 'times', better: 'lower', statistics: ['mean'] } as const;
const batchDefects = { ...defects, inBatch: true } as const;
const oncePerRun = { kind: 'ratio', domain: 'positive', statistics: ['mean'] } as const;
const usd = { ...oncePerRun, priced: true, unit: 'usd', better: 'lower' } as const;

export const metrics = {
  'freshness.visibility': { ...times, statistics: quantiles, primary: 'p95' },
  'freshness.staleness': { ...times, statistics: [...quantiles, 'mean'] },
  'freshness.as_of_lag': { ...times, statistics: quantiles },
  'freshness.slo_met': { ...share, better: 'higher', primary: 'share' },
  'freshness.unseen': { ...defects, unit: 'changes' },
  inference: { ...times, statistics: quantiles, primary: 'p99' },
  'inference.service': { ...times, statistics: quantiles },
  'inference.errors': { ...share, better: 'lower' },
  'inference.start_error': { ...times, better: 'neither', statistics: quantiles },
  lookup: { ...times, statistics: quantiles },
  'lookup.service': { ...times, statistics: quantiles },
  'lookup.errors': { ...share, better: 'lower' },
  'lookup.start_error': { ...times, better: 'neither', statistics: quantiles },
  'ingest.backlog': {
    kind: 'samples',
    unit: 'changes',
    better: 'lower',
    domain: 'positive',
    statistics: ['p50', 'p95'],
  },
  'ingest.backlog_growth': { ...oncePerRun, unit: 'changes_per_s', better: 'lower', domain: 'real' },
  'ingest.achieved_rate': { ...oncePerRun, unit: 'changes_per_s', better: 'higher' },
  'ingest.offered_rate': { ...oncePerRun, unit: 'changes_per_s', better: 'neither' },
  'faults.mttr': { ...clock, primary: 'mean' },
  'faults.slo_lost': lossOfSlo,
  'faults.availability_lost': lossOfSlo,
  'faults.latency_lost': lossOfSlo,
  'faults.freshness_lost': lossOfSlo,
  'faults.first_failure': { ...clock, better: 'neither' },
  'faults.role_ready': clock,
  'faults.first_success': clock,
  'faults.slo_regained': clock,
  'faults.availability_regained': clock,
  'faults.latency_regained': clock,
  'faults.freshness_regained': clock,
  'faults.back_in_band': clock,
  'faults.backlog_drained': clock,
  'faults.unjudged': { ...share, better: 'neither' },
  'faults.visibility': { ...times, statistics: quantiles },
  'faults.slo_met': { ...share, better: 'higher' },
  'faults.inference': { ...times, statistics: quantiles },
  'faults.inference_errors': { ...share, better: 'lower' },
  'ledger.acknowledged': { ...defects, unit: 'changes', better: 'neither' },
  'ledger.visible': { ...defects, unit: 'changes', better: 'neither' },
  'ledger.lost': { ...defects, unit: 'changes' },
  'ledger.duplicated': { ...defects, unit: 'changes' },
  'ledger.unexpected': { ...defects, unit: 'changes' },
  'ledger.quarantine_missing': { ...defects, unit: 'changes' },
  'ledger.quarantine_unexpected': { ...defects, unit: 'changes' },
  'ledger.rpo': { ...oncePerRun, unit: 'us', better: 'lower' },
  'ledger.wrong_rows': { ...defects, unit: 'rows' },
  'ledger.behind': { ...defects, unit: 'rows' },
  'ledger.torn': { ...defects, unit: 'rows' },
  'ledger.reordered': { ...defects, unit: 'rows' },
  'ledger.skewed': { ...defects, unit: 'rows' },
  'ledger.live_wrong': { ...share, better: 'lower' },
  'ledger.settled_wrong_rows': { ...defects, unit: 'rows' },
  'ledger.monotonic_violations': defects,
  'ledger.personal_data_leaks': defects,
  'storage.small_files_per_million_rows': { ...oncePerRun, unit: 'files_per_million_rows', better: 'lower' },
  'storage.files': { ...oncePerRun, unit: 'count', better: 'neither' },
  'storage.bytes': { ...oncePerRun, unit: 'bytes', better: 'lower' },
  'storage.bytes_online_store': { ...oncePerRun, unit: 'bytes', better: 'neither' },
  'storage.bytes_tables': { ...oncePerRun, unit: 'bytes', better: 'neither' },
  'storage.bytes_warehouse': { ...oncePerRun, unit: 'bytes', better: 'neither' },
  'storage.tiered': { ...share, better: 'neither' },
  'storage.tier_bytes_saved': { ...share, better: 'higher', domain: 'real' },
  'storage.tier_cost_saved': { ...share, priced: true, better: 'higher', domain: 'real' },
  'source.capture_lag': { ...times, fromDatabase: true, statistics: quantiles },
  'lineage.coverage': { ...share, better: 'higher' },
  'backfill.time_per_tb': { ...oncePerRun, unit: 'us_per_tb', better: 'lower', primary: 'mean' },
  'backfill.time_per_tb_columns': { ...oncePerRun, unit: 'us_per_tb', better: 'lower' },
  'backfill.rows_per_s': { ...oncePerRun, unit: 'per_s', better: 'higher' },
  'backfill.wrong_rows': { ...defects, unit: 'rows' },
  'scoring.throughput': { ...batchRate, primary: 'mean' },
  'scoring.throughput_beside_load': batchRate,
  'scoring.snapshot_throughput': batchRate,
  'scoring.scan_amplification': { ...amplification, primary: 'mean' },
  'scoring.scan_amplification_requested': amplification,
  'scoring.slice_scan_amplification': amplification,
  'scoring.slice_scan_amplification_requested': amplification,
  'scoring.wrong_rows': { ...batchDefects, unit: 'rows' },
  'scoring.reproducibility': { ...share, inBatch: true, better: 'higher' },
  'scoring.not_reproduced': batchDefects,
  'training.rows_per_s': batchRate,
  'training.leaks': { ...batchDefects, unit: 'rows' },
  'training.wrong_rows': { ...batchDefects, unit: 'rows' },
  'rollback.time': { ...times, inBatch: true, statistics: ['mean'], primary: 'mean' },
  'rollback.forward_time': { ...times, inBatch: true, statistics: ['mean'] },
  'reprocess.rows': { ...share, inBatch: true, better: 'lower' },
  'reprocess.files': { ...share, inBatch: true, better: 'lower' },
  'reprocess.wrong_rows': { ...batchDefects, unit: 'rows' },
  'rollback.mixed_rows': { ...batchDefects, unit: 'rows' },
  'rollback.wrong_rows': { ...batchDefects, unit: 'rows' },
  'storage.small_files_before_compaction': {
    ...oncePerRun,
    inBatch: true,
    unit: 'files_per_million_rows',
    better: 'neither',
  },
  'storage.small_file_reduction': { ...share, inBatch: true, better: 'higher', domain: 'real' },
  'serving.cache_hit_ratio': { ...share, better: 'higher' },
  'resources.cpu': { ...oncePerRun, unit: 'cores', better: 'lower' },
  'resources.load_cpu': { ...oncePerRun, unit: 'cores', better: 'neither' },
  'resources.memory': { ...oncePerRun, unit: 'bytes', better: 'lower' },
  'resources.memory_whole_run': { ...oncePerRun, inBatch: true, unit: 'bytes', better: 'lower' },
  'cost.per_1k_predictions': usd,
  'cost.per_million_changes': usd,
  'cost.per_slo_point': usd,
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof metrics;
export type Measures = { readonly [Name in MetricName]: MeasureOf<(typeof metrics)[Name]['kind']> };

export const metricNames = Object.keys(metrics) as readonly MetricName[];

/** The registry's entry, with the optional fields that only some entries have. */
export function metricOf(name: MetricName): Metric {
  return metrics[name];
}

/** One run, measured: everything that a summary needs of it beside its plan. */
export interface MeasuredRun {
  readonly measures: Measures;
  /** Of the measured window. */
  readonly cost: RunCost | AbsentMeasure;
  /** Of the injuries that were witnessed. */
  readonly recoveries: readonly Recovery[];
  /** Null: the plane offers no tables. */
  readonly losses: readonly Losses[] | null;
  readonly invalid: readonly Finding[];
  readonly missing: readonly Finding[];
}

export function measureRun(run: RunFacts, prices: PriceBook, panel: Panel = readPanel(run)): MeasuredRun {
  const visibility = foldVisibility(panel);
  const recoveries = foldRecovery(run, panel, visibility);
  const measured: Omit<Measures, keyof ReturnType<typeof measureCost>> = {
    ...measureFreshness(run, panel, visibility),
    ...measureLatency(run),
    ...measureBacklog(run, panel),
    ...measureCapture(run),
    ...measureRecovery(run, panel, recoveries),
    ...measureLedger(run),
    ...measureStorage(run, prices),
    ...measureLineage(run),
    ...measureBackfill(run),
    ...measureBatch(run),
    ...measureCache(run),
    ...measureResources(run),
    ...(run.ingests ? {} : withoutChanges()),
  };
  const cost = foldCost(run, prices);
  const measures: Measures = { ...measured, ...measureCost(run, cost, measured) };
  return { measures, cost, recoveries, losses: lossesOf(run), ...judgeRun(run, panel, measures, recoveries) };
}

/** A plane that takes no changes in is asked nothing about them: zeros and failures would both be untrue. */
function withoutChanges(): Partial<Measures> {
  const ofChanges = metricNames.filter((name) => /^(freshness|ingest|faults|ledger)\./.test(name));
  const absent = notOffered('no role of the plane takes changes in');
  return Object.fromEntries(ofChanges.map((name) => [name, absent]));
}
