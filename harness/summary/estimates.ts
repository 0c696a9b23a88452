/** From measured runs to estimates: one for every plane, metric and statistic, with its interval or with the reason for none. */
import type { Badge, Estimate } from '../../reports/summary.js';
import type { AbsentMeasure, CountMeasure, Measure, TrialMeasure } from '../measures/measured.js';
import { type MeasuredRun, type MetricName, metricNames, metricOf } from '../measures/metrics.js';
import { type Random, seededRandom } from '../random.js';
import type { RunPlan } from '../scenario.js';
import { clusteredProportionInterval, quantileInterval, sampleFloor } from '../statistics/binomial.js';
import { bootstrapFromRuns, type IntervalOverRuns, intervalOverRuns } from '../statistics/interval.js';
import { estimateOf, type PooledFigure, pooledMean, pooledQuantile, pooledRatio } from '../statistics/pooled-figure.js';
import { drawResamples, mostResampled, type Resamples } from '../statistics/resamples.js';
import { countSamples, meanBound, quantileBound, sortSamples } from '../statistics/samples.js';
import { counted, digits, inWords, joinedOnce } from './wording.js';

/** A run of the suite with its plan. */
export interface PlannedRun extends MeasuredRun {
  readonly plan: RunPlan;
}

export const confidenceLevel = 0.95;

export function badgeOf(stack: string): Badge {
  return stack === 'simulated' ? 'simulated' : 'measured';
}

/** What pooling needs beside the runs; one for the whole suite, so that every figure sees the same resamples. */
export interface Chance {
  readonly random: Random;
  resamples(runs: number): Resamples | null;
}

const resampleCount = 10_000;

export function chanceOf(seed: number): Chance {
  const random = seededRandom(seed, '/summary');
  const drawn = new Map<number, Resamples>();
  return {
    random,
    resamples(runs) {
      if (runs < bootstrapFromRuns || runs > mostResampled) return null;
      const known = drawn.get(runs) ?? drawResamples(runs, resampleCount, random.fork(`resamples of ${runs}`));
      drawn.set(runs, known);
      return known;
    },
  };
}

/** An estimate, and where it is right-censored what it certainly reaches. */
export interface BoundedEstimate extends Estimate {
  readonly metric: MetricName;
  readonly atLeast: number | null;
  /** The lower end of the interval of the bounds: what it reaches for sure, if one run more or less would say so too. */
  readonly surelyAtLeast: number | null;
}

/** All estimates of one plane under one scenario. */
export function estimatePlane(runs: readonly PlannedRun[], chance: Chance): BoundedEstimate[] {
  const { batch, source } = (runs[0] as PlannedRun).plan.scenario;
  const asked = metricNames
    .filter((name) => batch !== undefined || metricOf(name).inBatch !== true)
    .filter((name) => source !== undefined || metricOf(name).fromDatabase !== true);
  return asked.flatMap((name) =>
    metricOf(name).statistics.map((statistic) => estimateFigure(runs, name, statistic, chance)),
  );
}

type Judgement = Pick<
  BoundedEstimate,
  'pointEstimate' | 'confidenceInterval' | 'method' | 'runs' | 'samples' | 'validity' | 'atLeast' | 'surelyAtLeast'
> & {
  readonly note?: string;
};

function estimateFigure(
  runs: readonly PlannedRun[],
  name: MetricName,
  statistic: string,
  chance: Chance,
): BoundedEstimate {
  const { unit, better } = metricOf(name);
  const { scenario, arm } = (runs[0] as PlannedRun).plan;
  return {
    scenario: scenario.name,
    architecture: arm.architecture,
    metric: name,
    statistic,
    unit,
    better,
    badge: badgeOf(scenario.stack),
    stack: scenario.stack,
    timeScale: scenario.timeScale,
    ...judge(runs, name, statistic, chance),
  };
}

function judge(runs: readonly PlannedRun[], name: MetricName, statistic: string, chance: Chance): Judgement {
  const valid = runs.filter(({ invalid }) => invalid.length === 0);
  if (valid.length === 0) return nothing('invalid', `${counted(runs.length, 'run')}, all invalid`);
  const { present, absent } = measuresOf(valid, name);
  if (present.length === 0) {
    const why = absent.every(({ why }) => why === 'not_offered') ? 'not_offered' : 'not_measured';
    return nothing(why, reasonsOf(absent));
  }
  const pooled = pool(present, name, statistic, chance);
  const notes = [
    pooled.note,
    ...present.map(({ note }) => note),
    absent.length === 0 ? undefined : `without ${counted(absent.length, 'run')}: ${reasonsOf(absent)}`,
  ].filter((note) => note !== undefined);
  return {
    ...pooled,
    runs: present.length,
    ...(notes.length === 0 ? {} : { note: joinedOnce(notes) }),
  };
}

function nothing(validity: Estimate['validity'], note: string): Judgement {
  return {
    pointEstimate: null,
    confidenceInterval: null,
    method: 'none',
    runs: 0,
    samples: 0,
    validity,
    atLeast: null,
    surelyAtLeast: null,
    note,
  };
}

const reasonsOf = (absent: readonly AbsentMeasure[]) => [...new Set(absent.map(({ note }) => note))].join('; ');

/** A measure that a run has. */
export type Present = Exclude<Measure, AbsentMeasure>;

function measuresOf(runs: readonly PlannedRun[], name: MetricName): { present: Present[]; absent: AbsentMeasure[] } {
  const measures: Measure[] = runs.map((run) => run.measures[name]);
  return {
    present: measures.filter((measure) => measure.kind !== 'absent'),
    absent: measures.filter((measure) => measure.kind === 'absent'),
  };
}

/** The probability of a statistic that is a quantile, 'p99' or 'p99.9'; null for others. */
function probabilityOf(statistic: string): number | null {
  const found = /^p(\d+(?:\.\d+)?)$/.exec(statistic);
  return found ? Number(found[1]) / 100 : null;
}

const ofKind = <Kind extends Present['kind']>(measures: readonly Present[], kind: Kind) =>
  measures.filter((measure): measure is Extract<Present, { kind: Kind }> => measure.kind === kind);

const sumOf = <T>(items: readonly T[], pick: (item: T) => number) => items.reduce((sum, item) => sum + pick(item), 0);

/** By the first of the measures: a plane is estimated once, and compared with each of the others. */
const pooledBefore = new WeakMap<
  Present,
  { readonly measures: readonly Present[]; readonly statistic: string; readonly figure: PooledFigure }[]
>();

/** The pooled figure of runs that all have the measure, as samples or as a ratio. */
export function figureOf(measures: readonly Present[], statistic: string): PooledFigure {
  const [first] = measures;
  if (first === undefined) return poolOf(measures, statistic);
  const known = pooledBefore.get(first) ?? [];
  pooledBefore.set(first, known);
  const same = known.find(
    (one) =>
      one.statistic === statistic &&
      one.measures.length === measures.length &&
      one.measures.every((measure, k) => measure === measures[k]),
  );
  if (same) return same.figure;
  const figure = poolOf(measures, statistic);
  known.push({ measures, statistic, figure });
  return figure;
}

function poolOf(measures: readonly Present[], statistic: string): PooledFigure {
  const sampled = ofKind(measures, 'samples').map(({ samples }) => samples);
  if (sampled.length === 0) return pooledRatio(ofKind(measures, 'ratio'));
  const p = probabilityOf(statistic);
  return p === null ? pooledMean(sampled) : pooledQuantile(sampled, p);
}

/** Whether the runs together hold too few samples for the statistic; only quantiles have a floor. */
export function lackOfSamples(measures: readonly Present[], statistic: string): string | null {
  const p = probabilityOf(statistic);
  const samples = samplesIn(measures);
  if (p === null || samples >= sampleFloor(p, confidenceLevel)) return null;
  return `${counted(samples, 'sample')}; a ${statistic} needs ${digits(sampleFloor(p, confidenceLevel))}`;
}

function samplesIn(measures: readonly Present[]): number {
  return (
    sumOf(ofKind(measures, 'samples'), ({ samples }) => countSamples(samples)) +
    sumOf(ofKind(measures, 'ratio'), ({ samples }) => samples)
  );
}

function pool(measures: readonly Present[], name: MetricName, statistic: string, chance: Chance): Judgement {
  switch (metricOf(name).kind) {
    case 'count':
      return poolCounts(ofKind(measures, 'count'));
    case 'trials':
      return poolTrials(ofKind(measures, 'trials'));
    case 'samples':
    case 'ratio':
      return poolFigure(measures, name, statistic, chance);
  }
}

function poolCounts(measures: readonly CountMeasure[]): Judgement {
  return {
    pointEstimate: sumOf(measures, ({ count }) => count),
    confidenceInterval: null,
    method: 'total over runs, complete',
    runs: measures.length,
    samples: measures.length,
    validity: 'ok',
    atLeast: null,
    surelyAtLeast: null,
  };
}

const tooShort = 'the watch ended before the outcome could show';
const tooLate = 'the load generator was late when it could have shown';

function poolTrials(measures: readonly TrialMeasure[]): Judgement {
  const trials = sumOf(measures, (measure) => measure.trials);
  const successes = sumOf(measures, (measure) => measure.successes);
  const undecided = sumOf(measures, (measure) => measure.undecided ?? 0);
  const unjudged = sumOf(measures, (measure) => measure.unjudged ?? 0);
  if (trials === 0) return nothing('not_measured', unjudged < undecided ? tooShort : tooLate);
  if (undecided > 0) {
    const all = trials + undecided;
    const [least, most] = [successes / all, (successes + undecided) / all];
    const reasons = [
      { count: undecided - unjudged, why: tooShort },
      { count: unjudged, why: tooLate },
    ].filter(({ count }) => count > 0);
    const note =
      `between ${inWords(least, 'share')} and ${inWords(most, 'share')} of the faults observed: ` +
      reasons.map(({ count, why }) => `of ${digits(count)} in ${digits(all)} ${why}`).join(', ');
    return { ...nothing('censored', note), samples: all, atLeast: rounded(least) };
  }
  const { effective, ...bounds } = clusteredProportionInterval(measures, confidenceLevel);
  return {
    pointEstimate: rounded(successes / trials),
    confidenceInterval: { confidenceLevel, ...roundedBounds(bounds) },
    method:
      effective === trials
        ? 'Clopper-Pearson over faults'
        : `Clopper-Pearson over faults, taken for ${counted(effective, 'independent one')}: those of a run are alike`,
    runs: measures.length,
    samples: trials,
    validity: 'ok',
    atLeast: null,
    surelyAtLeast: null,
  };
}

/** Of measures that are samples or ratios. */
export function poolFigure(
  measures: readonly Present[],
  name: MetricName,
  statistic: string,
  chance: Chance,
): Judgement {
  const { domain, unit } = metricOf(name);
  const samples = samplesIn(measures);
  const lack = lackOfSamples(measures, statistic);
  if (lack !== null) return { ...nothing('insufficient', lack), samples };
  const figure = figureOf(measures, statistic);
  const options = { domain, level: confidenceLevel, resamples: chance.resamples(figure.runs) };
  const estimate = estimateOf(figure);
  if (Number.isNaN(estimate)) return { ...nothing('not_measured', 'nothing to divide by'), samples };
  if (!Number.isFinite(estimate)) {
    const sampled = ofKind(measures, 'samples').map((measure) => measure.samples);
    const p = probabilityOf(statistic);
    const atLeast = p === null ? meanBound(sampled) : quantileBound(sampled, p);
    const open = sumOf(sampled, ({ censored }) => censored.length);
    const note = `right-censored: at least ${inWords(atLeast, unit)} (of ${digits(open)} in ${digits(samples)} only a bound is known)`;
    const bounds = intervalOverRuns(figureOf(atBounds(measures), statistic), options);
    const surelyAtLeast = bounds.interval?.lowerBound ?? (bounds.isSameInAll ? atLeast : null);
    return { ...nothing('censored', note), samples, atLeast, surelyAtLeast };
  }
  const { interval, method } = onePerRun(measures, statistic) ?? intervalOverRuns(figure, options);
  return {
    pointEstimate: rounded(estimate),
    confidenceInterval: interval && { confidenceLevel, ...roundedBounds(interval) },
    method,
    runs: measures.length,
    samples,
    validity: 'ok',
    atLeast: null,
    surelyAtLeast: null,
  };
}

/** Right-censored samples taken at their bounds. */
export function atBounds(measures: readonly Present[]): Present[] {
  return measures.map((measure) =>
    measure.kind === 'samples'
      ? { ...measure, samples: sortSamples([...measure.samples.observed, ...measure.samples.censored]) }
      : measure,
  );
}

/** The interval of a quantile of which every run has one observation; null: of anything else. */
function onePerRun(measures: readonly Present[], statistic: string): IntervalOverRuns | null {
  const p = probabilityOf(statistic);
  const sampled = ofKind(measures, 'samples').map(({ samples }) => samples);
  if (p === null || sampled.some((samples) => samples.observed.length !== 1 || countSamples(samples) !== 1))
    return null;
  const values = sampled.map(({ observed }) => observed[0] as number);
  if (values.every((value) => value === values[0])) return null;
  const interval = quantileInterval(Float64Array.from(values).sort(), p, confidenceLevel);
  return { interval, isSameInAll: false, method: 'order statistics over runs' };
}

/**
 * Six significant digits: more than any figure deserves, and few enough that the last bit of a logarithm, which may
 * differ between processors, does not show in a summary that must be the same everywhere.
 */
export function rounded(value: number): number {
  return Number(value.toPrecision(6));
}

export function roundedBounds(bounds: { readonly lowerBound: number; readonly upperBound: number }) {
  return { lowerBound: rounded(bounds.lowerBound), upperBound: rounded(bounds.upperBound) };
}

/** As the summary has it. */
export function withoutBound({ atLeast: _, surelyAtLeast: __, ...estimate }: BoundedEstimate): Estimate {
  return estimate;
}
