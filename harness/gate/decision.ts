/**
 * The decision rule, one for gates and for two suites compared.
 *
 * What is judged is the *worsening*: how much worse the runs at hand are than the baseline, or than a limit, which is a
 * baseline that reads the limit in every run. It is the mean over pairs, paired by the seed of the repetition, of the
 * logarithm of the ratio, or of the difference for shares and where a value is 0. With its 95 % interval [low, high] and
 * the practical margin m:
 *
 * - fail: significant and of practical size. The sign-flip test, corrected by Holm (1979) over all thresholds together,
 *   has p <= 0.05, low > 0, and the estimate lies beyond m.
 * - pass: high <= m, "no worse than the margin" (non-inferiority: the interval decides, not a test that found nothing).
 *   A gate passes if every threshold does, which needs no correction: an intersection-union test (Berger 1982).
 * - inconclusive: everything else. So is whatever lacks data: fewer than 10 pairs, a planned run that is invalid or gave
 *   no value. The only exceptions are exact: a simulation that repeats its baseline digit for digit passes with any
 *   number of pairs, and a complete count of defects needs no statistics.
 *
 * Right-censored values are taken at their bounds, and only the conclusion that the truth can but strengthen is drawn.
 * Without common seeds the comparison is Welch's, unpaired, with 10 runs a side.
 */
import type { Baseline, FigureValues, PlaneValues, RunValue } from '../../reports/baseline.js';
import { basisText } from '../../reports/figures.js';
import { type Effect, effectOverGroups, effectOverPairs } from '../statistics/effect.js';
import { alpha, fewestPairs } from '../summary/comparisons.js';
import type { Chance } from '../summary/estimates.js';
import { confidenceLevel } from '../summary/estimates.js';
import { listed } from '../summary/wording.js';

/** One figure of one plane, run by run. */
export interface Side {
  readonly runs: PlaneValues['runs'];
  readonly values: readonly RunValue[];
}

export interface Worsening extends Effect {
  /** `log`: 0.1 is a ratio of 1.105. `linear`: in the unit of the figure. */
  readonly scale: 'log' | 'linear';
  readonly paired: boolean;
  /** Pairs, or the runs of the smaller side where there are none. */
  readonly pairs: number;
  /** Means of the values that were compared, for print: geometric on the log scale. */
  readonly candidate: number;
  readonly reference: number;
  /** Every pair is equal, digit for digit. */
  readonly identical: boolean;
  /** What censoring allows to conclude. */
  readonly mayPass: boolean;
  readonly mayFail: boolean;
}

export interface Worse {
  readonly better: 'lower' | 'higher';
  readonly domain: 'positive' | 'share' | 'real';
  /** Both suites have one seed, so that runs are paired: those that are left without a partner count in nothing. */
  readonly commonSeeds: boolean;
  /** Names the stream of chance. */
  readonly label: string;
  readonly chance: Chance;
}

export function sideOf(plane: PlaneValues, metric: string, statistic: string): Side {
  const figure: FigureValues | undefined = plane.figures.find(
    (one) => one.metric === metric && one.statistic === statistic,
  );
  return { runs: plane.runs, values: figure?.values ?? plane.runs.map(() => null) };
}

export function planeOf(values: Baseline, scenario: string, architecture: string): PlaneValues | undefined {
  return values.planes.find((plane) => plane.scenario === scenario && plane.architecture === architecture);
}

/** What all figures of these are: of how they came about nobody has to guess. */
export function describeBasis({ scenarios }: Baseline): string {
  return `All figures are ${listed([...new Set(scenarios.map(basisText))])}.`;
}

/** Planes, each under a scenario, that one has and the other has not, in words. */
export function planesOnlyIn(one: Baseline, other: Baseline): string[] {
  return one.planes
    .filter(({ scenario, architecture }) => !planeOf(other, scenario, architecture))
    .map(({ scenario, architecture }) => `${architecture} under ${scenario}`);
}

/** Against a baseline, or against a limit that every run has to keep. Null without a single pair, or without runs on a side. */
export function worseningOf(candidate: Side, reference: Side | number, options: Worse): Worsening | null {
  const partners = pairUp(candidate, reference);
  const paired = options.commonSeeds || typeof reference === 'number';
  const ours = paired ? partners.map(([value]) => value) : present(candidate.values);
  const theirs =
    paired || typeof reference === 'number' ? partners.map(([, value]) => value) : present(reference.values);
  if (ours.length === 0 || theirs.length === 0) return null;
  const all = [...ours, ...theirs].map(boundOf);
  const scale = options.domain === 'positive' && all.every((value) => value > 0) ? 'log' : 'linear';
  const sign = options.better === 'lower' ? 1 : -1;
  const scored = (values: readonly Known[]) =>
    values.map((value) => sign * (scale === 'log' ? Math.log(boundOf(value)) : boundOf(value)));
  const [a, b] = [scored(ours), scored(theirs)];
  // A run that has no partner is the same as none.
  const isWhole = paired && ours.length === candidate.values.length;
  const identical = isWhole && ours.every((value, k) => typeof value === 'number' && value === theirs[k]);
  const pairs = Math.min(a.length, b.length);
  const effect = paired
    ? effectOverPairs(
        // Equal values have equal logarithms: their difference is exactly 0.
        a.map((value, k) => value - (b[k] as number)),
        {
          level: confidenceLevel,
          resamples: options.chance.resamples(pairs),
          random: options.chance.random.fork(`gate ${options.label}`),
        },
      )
    : effectOverGroups(a, b, { level: confidenceLevel });
  const back = (values: readonly number[]) => {
    const mean = (sign * values.reduce((sum, value) => sum + value, 0)) / values.length;
    return scale === 'log' ? Math.exp(mean) : mean;
  };
  // The truth lies above a bound: a candidate's makes it worse, or, where higher is better, better; a reference's the reverse.
  const [oursOpen, theirsOpen] = [ours.some(isOpen), theirs.some(isOpen)];
  const [reallyWorse, reallyBetter] = options.better === 'lower' ? [oursOpen, theirsOpen] : [theirsOpen, oursOpen];
  return {
    ...effect,
    scale,
    paired,
    pairs,
    candidate: back(a),
    reference: back(b),
    identical,
    mayPass: !reallyWorse,
    mayFail: !reallyBetter,
  };
}

type Known = Exclude<RunValue, null>;
const isOpen = (value: Known) => typeof value !== 'number';
const boundOf = (value: Known) => (typeof value === 'number' ? value : value.atLeast);
const present = (values: readonly RunValue[]) => values.filter((value) => value !== null);
const keyOf = ({ seed, repetition }: Side['runs'][number]) => `${seed} ${repetition}`;

function pairUp(candidate: Side, reference: Side | number): [Known, Known][] {
  const partners =
    typeof reference === 'number' ? null : new Map(reference.runs.map((run, k) => [keyOf(run), reference.values[k]]));
  return candidate.runs.flatMap((run, k): [Known, Known][] => {
    const own = candidate.values[k] ?? null;
    const partner = partners === null ? (reference as number) : (partners.get(keyOf(run)) ?? null);
    return own === null || partner === null ? [] : [[own, partner]];
  });
}

export interface Judgement {
  readonly outcome: 'better' | 'within' | 'worse' | 'inconclusive';
  /** Whether the interval lies below the margin: better, or no worse than that. */
  readonly noWorse: boolean;
}

/** `margin` on the worsening's scale, `pValue` corrected. */
export function judge(worsening: Worsening, margin: number, pValue: number | null): Judgement {
  const { estimate, interval, pairs, mayPass, mayFail } = worsening;
  if (interval === null || pairs < fewestPairs) return { outcome: 'inconclusive', noWorse: false };
  const { lowerBound: low, upperBound: high } = interval;
  const significant = pValue !== null && pValue <= alpha;
  const noWorse = mayPass && high <= margin;
  if (mayFail && significant && low > 0 && estimate > margin) return { outcome: 'worse', noWorse: false };
  if (mayPass && significant && high < 0 && estimate < -margin) return { outcome: 'better', noWorse };
  if (noWorse && mayFail && low >= -margin) return { outcome: 'within', noWorse };
  return { outcome: 'inconclusive', noWorse };
}

/** A margin in the figure's own terms, 0.1 of it or 0.01 points of a share, on the worsening's scale. */
export function marginOn({ scale, reference }: Worsening, margin: number, domain: Worse['domain']): number {
  if (scale === 'log') return Math.log1p(margin);
  return domain === 'share' ? margin : margin * Math.abs(reference);
}
