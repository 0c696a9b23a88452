/** What each run of a results folder found, one number a figure: the shape of a baseline, and what is judged against one. */
import { createHash } from 'node:crypto';
import type { Baseline, FigureValues, PlaneValues, RunValue, ScenarioIdentity } from '../../reports/baseline.js';
import { isFinished, type Manifest, type PriceBook } from '../../reports/summary.js';
import type { Measure } from '../measures/measured.js';
import { type MetricName, measureRun, metricNames, metricOf } from '../measures/metrics.js';
import type { RunFacts } from '../record/facts.js';
import type { Scenario } from '../scenario.js';
import { estimateOf } from '../statistics/pooled-figure.js';
import { floor } from '../suites/floor.js';
import { atBounds, badgeOf, figureOf, lackOfSamples, type PlannedRun, rounded } from '../summary/estimates.js';
import { hashPrices } from './price-books.js';

export function valuesOf(manifest: Manifest, facts: readonly RunFacts[], prices: PriceBook): Baseline {
  // The floor is the harness's own, once a suite: nothing is demanded of it.
  const own = facts.filter(({ plan }) => plan.scenario.name !== floor.name);
  const scenarios = new Map(own.map(({ plan }) => [plan.scenario.name, plan.scenario]));
  const runs = own.map((run): PlannedRun => ({ plan: run.plan, ...measureRun(run, prices) }));
  const { id, suite, seed, repetitions, startedAt, git, machine, serviceTimes } = manifest;
  return {
    schema: 'planebench.baseline/1',
    suite,
    seed,
    repetitions,
    finished: isFinished(manifest) && runs.every(({ invalid, missing }) => invalid.length > 0 || missing.length === 0),
    from: { id, startedAt, commit: git.commit, machine: machineText(machine) },
    prices: hashPrices(prices),
    scenarios: [...scenarios.values()]
      .map((scenario) => identityOf(scenario, serviceTimes))
      .sort((a, b) => compare(a.name, b.name)),
    planes: [...groupByPlane(runs).values()]
      .map(valuesOfPlane)
      .sort((a, b) => compare(a.scenario, b.scenario) || compare(a.architecture, b.architecture)),
  };
}

/** What of a machine decides figures: that of two runs on one of them but one had real-time priorities, too. */
function machineText({ cpu, cores, platform, loadGoesFirst }: Manifest['machine']): string {
  return `${cpu}, ${cores} cores, ${platform}, ${loadGoesFirst ? 'with' : 'without'} real-time priorities`;
}

/** `serviceTimes`: of the suite's manifest. */
export function identityOf(scenario: Scenario, serviceTimes: string | undefined): ScenarioIdentity {
  const { name, stack, timeScale } = scenario;
  const sha256 = createHash('sha256').update(JSON.stringify(scenario, sortedKeys)).digest('hex');
  const model = stack === 'simulated' && serviceTimes !== undefined ? { serviceTimes } : {};
  return { name, badge: badgeOf(stack), stack, timeScale, sha256, ...model };
}

function sortedKeys(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => compare(a, b)));
}

function groupByPlane(runs: readonly PlannedRun[]): Map<string, PlannedRun[]> {
  const planes = new Map<string, PlannedRun[]>();
  for (const run of runs) {
    const key = JSON.stringify([run.plan.scenario.name, run.plan.arm.architecture]);
    planes.set(key, [...(planes.get(key) ?? []), run]);
  }
  return planes;
}

function valuesOfPlane(runs: readonly PlannedRun[]): PlaneValues {
  const { scenario, arm } = (runs[0] as PlannedRun).plan;
  const valid = runs
    .filter(({ invalid }) => invalid.length === 0)
    .sort((a, b) => a.plan.repetition - b.plan.repetition);
  const figures = metricNames.flatMap((metric): FigureValues[] => {
    const { kind, unit, statistics } = metricOf(metric);
    if (kind === 'trials') return [];
    return statistics.flatMap((statistic): FigureValues[] => {
      const values = valid.map((run) => readingOf(run.measures[metric], statistic));
      return values.every((value) => value === null) ? [] : [{ metric, statistic, unit, values }];
    });
  });
  const notOffered = metricNames.filter(
    (metric) => valid.length > 0 && valid.every((run) => isNotOffered(run, metric)),
  );
  return {
    scenario: scenario.name,
    architecture: arm.architecture,
    runs: valid.map(({ plan }) => ({ repetition: plan.repetition, seed: plan.seed })),
    ...(notOffered.length > 0 && { notOffered }),
    figures,
  };
}

function isNotOffered({ measures }: PlannedRun, metric: MetricName): boolean {
  const measure: Measure = measures[metric];
  return measure.kind === 'absent' && measure.why === 'not_offered';
}

/** A run by itself: below the sample floor of a quantile it has no value, as a suite would have none. */
function readingOf(measure: Measure, statistic: string): RunValue {
  if (measure.kind === 'absent' || measure.kind === 'trials') return null;
  if (measure.kind === 'count') return measure.count;
  if (lackOfSamples([measure], statistic) !== null) return null;
  const value = estimateOf(figureOf([measure], statistic));
  if (Number.isFinite(value)) return rounded(value);
  if (Number.isNaN(value) || measure.kind !== 'samples') return null;
  return { atLeast: rounded(estimateOf(figureOf(atBounds([measure]), statistic))) };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
