/** The paper's claims, checked one by one: confirmed, refuted, inconclusive or not measured. */
import {
  type PublishedFigure,
  type PublishedPlane,
  type PublishedRow,
  publishedFreshnessSloMin,
  publishedSmallFileReductionPercent,
  publishedTables,
} from '../../reports/published-results.js';
import type { Claim, Comparison, ScenarioSummary } from '../../reports/summary.js';
import type { MetricName } from '../measures/metrics.js';
import type { BoundedEstimate } from './estimates.js';
import { digits, inWords } from './wording.js';

export interface Evidence {
  readonly scenarios: readonly ScenarioSummary[];
  readonly estimates: readonly BoundedEstimate[];
  readonly comparisons: readonly Comparison[];
}

/** The paper's metrics that planebench measures, and by which figure. Anything else is "not measured". */
const measuredAs: Readonly<Record<string, { readonly metric: MetricName; readonly statistic: string }>> = {
  'freshness.p50': { metric: 'freshness.visibility', statistic: 'p50' },
  'freshness.p95': { metric: 'freshness.visibility', statistic: 'p95' },
  'inference.p50': { metric: 'inference', statistic: 'p50' },
  'inference.p95': { metric: 'inference', statistic: 'p95' },
  'inference.p99': { metric: 'inference', statistic: 'p99' },
  'scoring.throughput': { metric: 'scoring.throughput', statistic: 'mean' },
  'scoring.scan_amplification': { metric: 'scoring.scan_amplification', statistic: 'mean' },
  'backfill.time_per_tb': { metric: 'backfill.time_per_tb', statistic: 'mean' },
  'serving.cache_hit_ratio': { metric: 'serving.cache_hit_ratio', statistic: 'share' },
  'storage.small_files_per_million_rows': { metric: 'storage.small_files_per_million_rows', statistic: 'mean' },
  'lineage.coverage': { metric: 'lineage.coverage', statistic: 'share' },
  'freshness.slo_met': { metric: 'freshness.slo_met', statistic: 'share' },
  'rollback.time': { metric: 'rollback.time', statistic: 'mean' },
  'faults.mttr': { metric: 'faults.mttr', statistic: 'mean' },
};

const proposal = 'lakehouse';

export function checkClaims(evidence: Evidence): Claim[] {
  return [freshnessSlo(evidence), ...directionClaims(evidence), smallFileReduction(evidence)];
}

/**
 * The evidence of the scenario in which the proposal has the figure, or all of it where none has; of several how many. The paper
 * names none of them: of several, as in a suite of faults, no one is what it speaks of, and a claim stays open.
 */
function ofOneScenario(evidence: Evidence, metric: MetricName, statistic?: string): Evidence | number {
  const having = evidence.estimates.filter(
    (estimate) =>
      estimate.architecture === proposal &&
      estimate.metric === metric &&
      (statistic === undefined || estimate.statistic === statistic) &&
      (estimate.pointEstimate !== null || estimate.atLeast !== null),
  );
  const [only, ...others] = new Set(having.map(({ scenario }) => scenario));
  if (only === undefined) return evidence;
  if (others.length > 0) return 1 + others.length;
  const isOfIt = ({ scenario }: { readonly scenario: string }) => scenario === only;
  const { estimates, comparisons } = evidence;
  return { ...evidence, estimates: estimates.filter(isOfIt), comparisons: comparisons.filter(isOfIt) };
}

const several = (scenarios: number) =>
  ({ ours: `measured in ${scenarios} scenarios, none of which the paper names`, outcome: 'inconclusive' }) as const;

/** "Freshness p95 <= 5 min", at the scenario's time scale. */
function freshnessSlo(evidence: Evidence): Claim {
  const metric = 'freshness.visibility';
  const claim = {
    id: 'text.freshness.slo',
    text: `${proposal} keeps freshness p95 within ${publishedFreshnessSloMin} min (divided by the time scale)`,
    metric: `${metric}.p95`,
    published: `p95 <= ${publishedFreshnessSloMin} min; table 1: 4.7 min`,
  };
  const own = ofOneScenario(evidence, metric, 'p95');
  if (typeof own === 'number') return { ...claim, ...several(own) };
  const estimate = own.estimates.find(
    (candidate) => candidate.architecture === proposal && candidate.metric === metric && candidate.statistic === 'p95',
  );
  const scenario = own.scenarios.find(({ name }) => name === estimate?.scenario);
  if (!estimate || !scenario) return { ...claim, ours: `${proposal} was not run`, outcome: 'not measured' };
  const limitUs = (publishedFreshnessSloMin * 60e6) / scenario.timeScale;
  const ours = `${describe(estimate)} against ${inWords(limitUs, 'us')} at time scale ${scenario.timeScale} (${scenario.name})`;
  return { ...claim, ours, outcome: withinLimit(estimate, limitUs) };
}

function withinLimit(estimate: BoundedEstimate, limit: number): Claim['outcome'] {
  // Of one run's unseen changes, or of one run alone, more is not known than of figures without an interval.
  if (estimate.surelyAtLeast !== null && estimate.surelyAtLeast > limit) return 'refuted';
  if (estimate.validity === 'not_measured' || estimate.validity === 'not_offered') return 'not measured';
  const interval = estimate.confidenceInterval;
  if (interval === null) return 'inconclusive';
  if (interval.upperBound <= limit) return 'confirmed';
  return interval.lowerBound > limit ? 'refuted' : 'inconclusive';
}

function atLeast({ validity, confidenceInterval: interval }: BoundedEstimate, limit: number): Claim['outcome'] {
  if (validity === 'not_measured' || validity === 'not_offered') return 'not measured';
  if (interval === null) return 'inconclusive';
  if (interval.lowerBound >= limit) return 'confirmed';
  return interval.upperBound < limit ? 'refuted' : 'inconclusive';
}

/** "The lakehouse is better than this baseline", for every figure that the paper prints for both. */
function directionClaims(evidence: Evidence): Claim[] {
  return publishedTables.flatMap(({ id, rows }) =>
    rows.flatMap((row) =>
      (Object.keys(row.figures) as PublishedPlane[])
        .filter((plane) => plane !== proposal)
        .flatMap((plane) => baselinesOf(plane).map((baseline) => directionClaim(evidence, id, row, plane, baseline))),
    ),
  );
}

/** Tables 3 and 4 do not say which baseline they mean: the claim is checked against both. */
function baselinesOf(plane: PublishedPlane): string[] {
  return plane === 'baseline' ? ['warehouse', 'lambda'] : [plane];
}

function directionClaim(
  evidence: Evidence,
  table: string,
  row: PublishedRow,
  printed: PublishedPlane,
  baseline: string,
): Claim {
  const unnamed = printed === 'baseline' ? ' (the paper names only a "Baseline")' : '';
  const claim = {
    id: `${table}.${row.metric}.${baseline}`,
    text: `${proposal} has a ${row.better} ${row.metric} than ${baseline}${unnamed}`,
    metric: row.metric,
    published: published(row, printed),
  };
  const figure = measuredAs[row.metric];
  if (!figure) return { ...claim, ours: 'planebench does not measure this yet', outcome: 'not measured' };
  const own = ofOneScenario(evidence, figure.metric, figure.statistic);
  if (typeof own === 'number') return { ...claim, ...several(own) };
  const comparison = own.comparisons.find(
    (candidate) =>
      candidate.metric === figure.metric &&
      candidate.statistic === figure.statistic &&
      candidate.candidate === proposal &&
      candidate.reference === baseline,
  );
  const estimateOf = (plane: string) =>
    evidence.estimates.find(
      (estimate) =>
        estimate.architecture === plane &&
        estimate.metric === figure.metric &&
        estimate.statistic === figure.statistic &&
        (comparison === undefined || estimate.scenario === comparison.scenario),
    );
  const [ours, theirs] = [estimateOf(proposal), estimateOf(baseline)];
  if (!ours && !theirs) return { ...claim, ours: 'not asked for in this suite', outcome: 'not measured' };
  const figures = `${ours ? describe(ours) : 'not run'} against ${theirs ? describe(theirs) : 'not run'}`;
  if (!comparison) return { ...claim, ours: figures, outcome: 'not measured' };
  return { ...claim, ours: `${figures}${describeRatio(comparison)}`, outcome: outcomeOf(comparison) };
}

function outcomeOf({ outcome }: Comparison): Claim['outcome'] {
  switch (outcome) {
    case 'better':
      return 'confirmed';
    case 'worse':
    case 'equivalent':
      return 'refuted';
    case 'inconclusive':
      return 'inconclusive';
  }
}

function published(row: PublishedRow, plane: PublishedPlane): string {
  const text = (figure: PublishedFigure | undefined) =>
    figure === undefined
      ? ''
      : `${digits(figure.value)}${figure.ci95 ? ` [${digits(figure.ci95[0])}, ${digits(figure.ci95[1])}]` : ''}`;
  const [ours, theirs] = [row.figures[proposal], row.figures[plane]];
  const ratio = ours && theirs ? `, ratio ${digits(ours.value / theirs.value)}` : '';
  return `${text(ours)} against ${text(theirs)} ${row.unit}${ratio}`;
}

export function describe(estimate: BoundedEstimate): string {
  if (estimate.pointEstimate === null) {
    return estimate.atLeast === null
      ? estimate.validity.replaceAll('_', ' ')
      : `at least ${inWords(estimate.atLeast, estimate.unit)}`;
  }
  const interval = estimate.confidenceInterval;
  const value = inWords(estimate.pointEstimate, estimate.unit);
  if (!interval) return value;
  return `${value} [${inWords(interval.lowerBound, estimate.unit)}, ${inWords(interval.upperBound, estimate.unit)}]`;
}

function describeRatio({ ratio, confidenceInterval, pairs }: Comparison): string {
  const interval = confidenceInterval
    ? ` [${digits(confidenceInterval.lowerBound)}, ${digits(confidenceInterval.upperBound)}]`
    : '';
  return `${ratio === null ? '' : `; ratio ${digits(ratio)}${interval}`}; ${pairs} pair${pairs === 1 ? '' : 's'}`;
}

/** A figure of the plane alone, which is met or not: the paper does not say how far from 64 % it still is "about" it. */
function smallFileReduction(evidence: Evidence): Claim {
  const metric = 'storage.small_file_reduction';
  const claim = {
    id: 'text.storage.small_file_reduction',
    text: `compaction reduces small files by about ${publishedSmallFileReductionPercent} %`,
    metric,
    published: `${publishedSmallFileReductionPercent} %`,
  };
  const own = ofOneScenario(evidence, metric);
  if (typeof own === 'number') return { ...claim, ...several(own) };
  const estimate = own.estimates.find(
    (candidate) => candidate.architecture === proposal && candidate.metric === metric,
  );
  const limit = publishedSmallFileReductionPercent / 100;
  return {
    ...claim,
    ours: estimate ? describe(estimate) : 'not asked for in this suite',
    outcome: estimate ? atLeast(estimate, limit) : 'not measured',
  };
}
