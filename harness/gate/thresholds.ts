/**
 * What a suite demands of every plane, as typed values: a measure or statistic that does not exist does not compile. What
 * is known only when a run begins (its planes, its baseline) is checked then, before anything is measured.
 */
import type { Baseline } from '../../reports/baseline.js';
import { UsageError } from '../errors.js';
import { metricOf, type metrics } from '../measures/metrics.js';
import type { Scenario } from '../scenario.js';

type Metrics = typeof metrics;
type Named<Wanted> = { [Name in keyof Metrics]: Metrics[Name] extends Wanted ? Name : never }[keyof Metrics];

/** Trials have an exact interval of their own and are in no gate. */
export type GatedMetric = Exclude<keyof Metrics, Named<{ kind: 'trials' }>>;
/** Relative to a baseline: what has a better side and is not a count (complete, hence exact) or a growth around 0. */
type ComparedMetric = Exclude<GatedMetric, Named<{ kind: 'count' } | { better: 'neither' } | { domain: 'real' }>>;

interface Figure<Name extends keyof Metrics> {
  readonly metric: Name;
  readonly statistic: Metrics[Name]['statistics'][number];
  /** Every scenario of the suite, unless named. */
  readonly scenario?: string;
  /** Every plane of the run, unless named. */
  readonly architecture?: string;
}

/** In the unit of the metric. */
type Limit = { readonly kind: 'absolute' } & ({ readonly atMost: number } | { readonly atLeast: number });

interface Margin {
  readonly kind: 'relative';
  /**
   * How much worse than the baseline does not matter in practice: 0.1 is 10 % of the figure, and 10 points of a figure
   * that is a share. Which way is worse the metric says.
   */
  readonly margin: number;
}

export type Threshold =
  | { [Name in GatedMetric]: Figure<Name> & Limit }[GatedMetric]
  | { [Name in ComparedMetric]: Figure<Name> & Margin }[ComparedMetric];

/** A threshold for one plane under one scenario. */
export interface Demand {
  readonly threshold: Threshold;
  readonly scenario: string;
  readonly architecture: string;
}

export interface Planned {
  readonly suite: string;
  readonly scenarios: readonly Scenario[];
  readonly architectures: readonly string[];
  readonly thresholds: readonly Threshold[];
  /** Left out of the run, since no fault of the scenario strikes the plane: nothing is demanded of it there. */
  readonly notApplicable?: readonly { readonly scenario: string; readonly architecture: string }[];
}

/** Every threshold for every plane that it is for; refused, each named, where one could never be judged. */
export function demandsOf(planned: Planned, baseline: Baseline): Demand[] {
  const { suite, scenarios, architectures, thresholds, notApplicable = [] } = planned;
  const isAsked = (scenario: string, architecture: string) =>
    !notApplicable.some((one) => one.scenario === scenario && one.architecture === architecture);
  if (thresholds.length === 0) {
    throw new UsageError(`the suite ${suite} declares no thresholds: there is nothing that a gate could decide.`);
  }
  const demands = thresholds.flatMap((threshold) =>
    (threshold.scenario === undefined ? scenarios.map(({ name }) => name) : [threshold.scenario]).flatMap((scenario) =>
      (threshold.architecture === undefined ? architectures : [threshold.architecture])
        .filter((architecture) => isAsked(scenario, architecture))
        .map((architecture): Demand => ({ threshold, scenario, architecture })),
    ),
  );
  const problems = demands.flatMap((demand) => {
    const why = obstacleTo(demand, planned, baseline);
    return why === null ? [] : [`  ${nameOf(demand)}: ${why}`];
  });
  if (problems.length > 0) {
    throw new UsageError(
      `${problems.length} of the thresholds of the suite ${suite} could never be judged:\n${problems.join('\n')}\n` +
        'Run what the thresholds name, name another baseline, or change the thresholds in harness/suites/.',
    );
  }
  return demands;
}

export function nameOf({ scenario, architecture, threshold }: Demand): string {
  return `${scenario} ${architecture} ${threshold.metric}.${threshold.statistic}`;
}

function obstacleTo({ threshold, ...demand }: Demand, planned: Planned, baseline: Baseline): string | null {
  const scenario = planned.scenarios.find(({ name }) => name === demand.scenario);
  if (scenario === undefined) return `the suite has no scenario ${demand.scenario}`;
  if (!planned.architectures.includes(demand.architecture)) return `no plane ${demand.architecture} in this run`;
  const lacking = lackOf(scenario, threshold.metric);
  if (lacking !== null) return lacking;
  if (threshold.kind === 'absolute') return null;
  const plane = baseline.planes.find(
    ({ scenario, architecture }) => scenario === demand.scenario && architecture === demand.architecture,
  );
  if (plane === undefined) return 'the baseline has no such plane';
  return plane.figures.some(({ metric, statistic }) => metric === threshold.metric && statistic === threshold.statistic)
    ? null
    : 'the baseline has no such figure';
}

/** What no plane can show under a scenario. */
function lackOf({ faults, workload }: Scenario, metric: GatedMetric): string | null {
  const { predict, lookup } = workload.reads;
  if (metric.startsWith('faults.') && faults.length === 0) return 'the scenario has no fault';
  if (/^inference\b/.test(metric) && predict.perSecond === 0) return 'the scenario has no predictions';
  if (/^lookup\b/.test(metric) && lookup.perSecond === 0) return 'the scenario has no lookups';
  return null;
}

/** Whether the threshold is judged by statistics; a complete count needs none. */
export function isStatistical({ metric }: Threshold): boolean {
  return metricOf(metric).kind !== 'count';
}
