/** A run against its suite's thresholds and a baseline: a decision for each, corrected together, and one for all. */
import type { Baseline, PlaneValues } from '../../reports/baseline.js';
import { defectOf, defectsAmong } from '../../reports/defects.js';
import type { Decision, GateVerdict, ThresholdVerdict } from '../../reports/gate.js';
import type { Unit } from '../../reports/summary.js';
import { metricOf } from '../measures/metrics.js';
import { holmAdjusted } from '../statistics/holm.js';
import { fewestPairs } from '../summary/comparisons.js';
import { type Chance, confidenceLevel, rounded, roundedBounds } from '../summary/estimates.js';
import { counted, differenceInWords, digits, inWords, listed } from '../summary/wording.js';
import {
  describeBasis,
  judge,
  marginOn,
  planeOf,
  planesOnlyIn,
  type Side,
  sideOf,
  type Worse,
  type Worsening,
  worseningOf,
} from './decision.js';
import { changedFigures, describeChanged } from './exact.js';
import { describeBooks, withOneBook } from './price-books.js';
import { type Demand, isStatistical, nameOf, type Threshold } from './thresholds.js';

export interface GateInput {
  readonly candidate: Baseline;
  readonly baseline: Baseline;
  readonly demands: readonly Demand[];
  readonly chance: Chance;
  /** As they were named by whoever asks. */
  readonly run: string;
  readonly file: string;
  /** Whether also whatever differs at all from a simulated baseline fails, within the margins or not. */
  readonly exact?: boolean;
}

export function judgeGate(input: GateInput): GateVerdict {
  const { chance, run, file, exact = false } = input;
  const { a: baseline, b: candidate, differ } = withOneBook(input.baseline, input.candidate);
  const demands = input.demands.filter((demand) => isOffered(demand, candidate, baseline));
  const drafts = demands.map((demand) => draftOf(demand, { candidate, baseline, chance }));
  // What could not be tested was declared all the same: it counts as a test that found nothing.
  const family = drafts.filter(({ demand }) => isStatistical(demand.threshold));
  const adjusted = holmAdjusted(family.map(({ worsening }) => worsening?.pValue ?? 1));
  const pValues = new Map(family.map((draft, i) => [draft, adjusted[i] as number]));
  const thresholds = [
    ...drafts.map((draft) => decide(draft, pValues.get(draft) ?? null, candidate)),
    ...undemandedDefects(candidate, demands),
  ];
  const absent = planesOnlyIn(baseline, candidate);
  const changed = changedFigures(candidate, baseline);
  const outcome = worst(thresholds, {
    isWhole: candidate.finished && absent.length === 0,
    isExact: changed?.names.length === 0,
    exact,
  });
  const sentences = [
    ...describe({ candidate, baseline, thresholds, family: family.length, outcome }),
    ...describeAbsent(absent, { run, file }),
    ...describeUnoffered(input.demands.filter((demand) => !demands.includes(demand))),
    ...(differ ? [describeBooks(file, run)] : []),
    ...describeChanged(changed, exact),
  ];
  return { schema: 'planebench.gate/1', suite: candidate.suite, run, baseline: file, outcome, sentences, thresholds };
}

/**
 * What a plane does not offer can never be counted: it is not demanded, and that is said. A figure that the baseline has is
 * demanded all the same, as a plane that offers it no more has not become better by that.
 */
function isOffered({ threshold, scenario, architecture }: Demand, candidate: Baseline, baseline: Baseline): boolean {
  const { metric } = threshold;
  const before = planeOf(baseline, scenario, architecture);
  if (before?.figures.some((figure) => figure.metric === metric)) return true;
  return !planeOf(candidate, scenario, architecture)?.notOffered?.includes(metric);
}

function describeUnoffered(demands: readonly Demand[]): string[] {
  if (demands.length === 0) return [];
  return [`Not demanded, as the plane does not offer it: ${listed(demands.map(nameOf))}.`];
}

interface Draft {
  readonly demand: Demand;
  readonly plane: PlaneValues | undefined;
  readonly side: Side;
  readonly worsening: Worsening | null;
  readonly options: Worse;
}

function draftOf(
  demand: Demand,
  { candidate, baseline, chance }: Pick<GateInput, 'candidate' | 'baseline' | 'chance'>,
): Draft {
  const { threshold, scenario, architecture } = demand;
  const plane = planeOf(candidate, scenario, architecture);
  const side =
    plane === undefined ? { runs: [], values: [] } : sideOf(plane, judgedMetric(plane, threshold), threshold.statistic);
  const options: Worse = {
    better: threshold.kind === 'absolute' ? ('atMost' in threshold ? 'lower' : 'higher') : betterOf(threshold),
    domain: metricOf(threshold.metric).domain,
    commonSeeds: candidate.seed === baseline.seed,
    label: nameOf(demand),
    chance,
  };
  const reference =
    threshold.kind === 'absolute'
      ? limitOf(threshold)
      : sideOf(planeOf(baseline, scenario, architecture) as PlaneValues, threshold.metric, threshold.statistic);
  const worsening = isStatistical(threshold) ? worseningOf(side, reference, options) : null;
  return { demand, plane, side, worsening, options };
}

/** What a plane may do until it has corrected itself is judged after that, as in the verdict of a suite. */
function judgedMetric({ figures }: PlaneValues, { metric }: Threshold): string {
  const settled = 'ledger.settled_wrong_rows';
  const settles = figures.some((figure) => figure.metric === settled);
  return settles && defectOf(metric, false) !== null && defectOf(metric, true) === null ? settled : metric;
}

const betterOf = ({ metric }: Threshold) => (metricOf(metric).better === 'higher' ? 'higher' : 'lower');

type Absolute = Extract<Threshold, { kind: 'absolute' }>;
const limitOf = (threshold: Absolute) => ('atMost' in threshold ? threshold.atMost : threshold.atLeast);

function decide(draft: Draft, pValue: number | null, candidate: Baseline): ThresholdVerdict {
  const { demand, worsening, options } = draft;
  const { threshold, scenario, architecture } = demand;
  const lack = lackOf(draft, candidate.repetitions);
  const base = {
    scenario,
    architecture,
    metric: threshold.metric,
    statistic: threshold.statistic,
    kind: threshold.kind,
    demanded: inDemand(threshold),
  };
  if (!isStatistical(threshold))
    return { ...base, ...decideCount(threshold as Absolute, draft.side, lack), pairs: 0, worsening: null };
  const pairs = worsening?.pairs ?? 0;
  if (worsening === null) {
    return { ...base, outcome: 'inconclusive', found: lack ?? 'no pair', pairs, worsening: null, method: '' };
  }
  const margin = threshold.kind === 'absolute' ? 0 : marginOn(worsening, threshold.margin, options.domain);
  const judged = judge(worsening, margin, pValue);
  const exact = worsening.identical && isSimulated(candidate, scenario);
  const passes = lack === null && (exact || judged.noWorse);
  const outcome: Decision = judged.outcome === 'worse' ? 'fail' : passes ? 'pass' : 'inconclusive';
  return {
    ...base,
    outcome,
    found: [describeFound(threshold, worsening), ...(lack === null ? [] : [lack])].join('; '),
    pairs,
    worsening: numbersOf(worsening, pValue),
    method: methodOf(worsening, pValue, exact),
  };
}

const isSimulated = ({ scenarios }: Baseline, name: string) =>
  scenarios.some((scenario) => scenario.name === name && scenario.badge === 'simulated');

/** What no plane may do fails without a threshold too, as in the verdict of a suite; one that names it stands for itself. */
function undemandedDefects(candidate: Baseline, demands: readonly Demand[]): ThresholdVerdict[] {
  return candidate.planes.flatMap((plane) => {
    const { scenario, architecture, figures } = plane;
    const isDemanded = (metric: string) =>
      demands.some(
        (demand) =>
          demand.scenario === scenario && demand.architecture === architecture && demand.threshold.metric === metric,
      );
    const highest = figures.map((figure) => ({ ...figure, value: Math.max(0, ...known(figure)) }));
    return defectsAmong(highest)
      .filter(({ metric }) => !isDemanded(metric))
      .map((figure): ThresholdVerdict => {
        const { metric, statistic, words } = figure;
        const none = { metric, statistic, kind: 'absolute', atMost: 0 } as Absolute;
        const { found, ...decided } = decideCount(none, figure, null);
        const what = {
          scenario,
          architecture,
          metric,
          statistic,
          kind: 'absolute',
          demanded: 'none, of any plane',
        } as const;
        return { ...what, ...decided, found: `${architecture} ${words}: ${found}`, pairs: 0, worsening: null };
      });
  });
}

const known = ({ values }: Pick<Side, 'values'>) => values.filter((value) => typeof value === 'number');

/** Missing data is never a pass. Null where every planned run is valid and has a value. */
function lackOf({ plane, side }: Draft, repetitions: number): string | null {
  const valid = plane?.runs.length ?? 0;
  if (valid === 0) return 'no valid run';
  const without = side.values.filter((value) => value === null).length;
  const parts = [
    ...(valid < repetitions ? [`only ${digits(valid)} of ${digits(repetitions)} planned runs are valid`] : []),
    ...(without > 0 ? [`${counted(without, 'valid run')} without a value`] : []),
  ];
  return parts.length === 0 ? null : parts.join('; ');
}

/** Complete, not sampled: one run above the limit is above the limit, and a limit kept is kept in the runs that there are. */
function decideCount(
  threshold: Absolute,
  side: Pick<Side, 'values'>,
  lack: string | null,
): Pick<ThresholdVerdict, 'outcome' | 'found' | 'method'> {
  const { unit } = metricOf(threshold.metric);
  const values = known(side);
  const limit = limitOf(threshold);
  const keeps = (value: number) => ('atMost' in threshold ? value <= limit : value >= limit);
  const broken = values.filter((value) => !keeps(value));
  const method = 'complete count of every run';
  if (broken.length > 0) {
    const worstValue = 'atMost' in threshold ? Math.max(...broken) : Math.min(...broken);
    const found = `${inWords(worstValue, unit)} in the worst of ${counted(broken.length, 'run')} that broke it`;
    return { outcome: 'fail', found, method };
  }
  if (lack !== null) return { outcome: 'inconclusive', found: lack, method };
  return { outcome: 'pass', found: `kept in ${counted(values.length, 'run')}`, method };
}

function worst(
  thresholds: readonly ThresholdVerdict[],
  { isWhole, isExact, exact }: { readonly isWhole: boolean; readonly isExact: boolean; readonly exact: boolean },
): Decision {
  const outcomes = thresholds.map(({ outcome }) => outcome);
  if ((exact && !isExact) || outcomes.includes('fail')) return 'fail';
  return !isWhole || outcomes.length === 0 || outcomes.includes('inconclusive') ? 'inconclusive' : 'pass';
}

function inDemand(threshold: Threshold): string {
  const { unit, domain } = metricOf(threshold.metric);
  if (threshold.kind === 'absolute') {
    return `${'atMost' in threshold ? 'at most' : 'at least'} ${inWords(limitOf(threshold), unit)}`;
  }
  const percent = digits(100 * threshold.margin);
  return `at most ${percent} ${domain === 'share' ? 'points' : '%'} worse than the baseline`;
}

function describeFound(threshold: Threshold, worsening: Worsening): string {
  const { unit } = metricOf(threshold.metric);
  const value = inWords(worsening.candidate, unit);
  if (worsening.identical) return `${value}, as the baseline, digit for digit`;
  const effect = describeWorsening(worsening, unit);
  return threshold.kind === 'absolute'
    ? `${value}, ${effect} against the limit`
    : `${value} after ${inWords(worsening.reference, unit)}, ${effect}`;
}

/** "1.21 times as bad [1.15, 1.28]", or "worse by 2 points [1 points, 3 points]". */
function describeWorsening({ scale, estimate, interval }: Worsening, unit: Unit): string {
  const words = (value: number) => (scale === 'log' ? digits(Math.exp(value)) : differenceInWords(value, unit));
  const bounds = interval === null ? 'no interval' : `${words(interval.lowerBound)}, ${words(interval.upperBound)}`;
  return scale === 'log' ? `${words(estimate)} times as bad [${bounds}]` : `worse by ${words(estimate)} [${bounds}]`;
}

function numbersOf({ scale, estimate, interval }: Worsening, pValue: number | null): ThresholdVerdict['worsening'] {
  const back = scale === 'log' ? Math.exp : (value: number) => value;
  return {
    effect: scale === 'log' ? 'ratio' : 'difference',
    estimate: rounded(back(estimate)),
    confidenceInterval: interval && {
      confidenceLevel,
      ...roundedBounds({ lowerBound: back(interval.lowerBound), upperBound: back(interval.upperBound) }),
    },
    pValue: pValue === null ? null : rounded(pValue),
  };
}

function methodOf(worsening: Worsening, pValue: number | null, exact: boolean): string {
  const { pairs, paired, method, mayPass, mayFail } = worsening;
  if (exact) return `${counted(pairs, 'pair')}, simulated, identical`;
  return [
    paired ? counted(pairs, 'pair') : `${counted(pairs, 'run')} a side, no common seeds`,
    method,
    ...(mayPass && mayFail ? [] : ['right-censored, taken at the bound']),
    ...(pValue === null ? [] : [`p = ${digits(pValue)} after Holm`]),
    ...(pairs < fewestPairs ? [`${fewestPairs} needed to decide`] : []),
  ].join(', ');
}

function describe(input: {
  candidate: Baseline;
  baseline: Baseline;
  thresholds: readonly ThresholdVerdict[];
  family: number;
  outcome: Decision;
}): string[] {
  const { candidate, baseline, thresholds, family, outcome } = input;
  const count = (wanted: Decision) => thresholds.filter((one) => one.outcome === wanted).length;
  const few = Math.max(0, ...thresholds.filter(({ worsening }) => worsening !== null).map(({ pairs }) => pairs));
  const measured = candidate.scenarios.some(({ badge }) => badge === 'measured');
  return [
    `Of ${counted(thresholds.length, 'threshold')} ${digits(count('pass'))} passed, ${digits(count('fail'))} failed, ${digits(count('inconclusive'))} are inconclusive.`,
    describeBasis(candidate),
    ...(candidate.finished
      ? []
      : ['The run was interrupted, or did not observe everything that was asked for: what is missing cannot pass.']),
    ...(outcome === 'inconclusive' && few > 0 && few < fewestPairs
      ? [
          `There are at most ${counted(few, 'pair')}: nothing is decided on fewer than ${fewestPairs}. Repeat more often with --repetitions.`,
        ]
      : []),
    ...(thresholds.some(({ method }) => method.includes('no common seeds'))
      ? ['Run and baseline share no seeds: they are compared unpaired, which takes larger differences to see.']
      : []),
    ...(measured && candidate.from.machine !== baseline.from.machine
      ? [
          `The baseline was measured on another machine (${baseline.from.machine}; now ${candidate.from.machine}): a difference may be the machine's.`,
        ]
      : []),
    `${counted(family, 'threshold')} judged by statistics, corrected together (Holm); level ${confidenceLevel}.`,
  ];
}

function describeAbsent(absent: readonly string[], { run, file }: Pick<GateInput, 'run' | 'file'>): string[] {
  if (absent.length === 0) return [];
  return [
    `${file} has ${listed(absent)}, of which ${run} has no run: that cannot pass. Run the same planes and scenarios, or make a baseline of these alone.`,
  ];
}
