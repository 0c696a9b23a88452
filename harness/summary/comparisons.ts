/**
 * Every pair of planes, metric by metric, paired by seed. A difference is decided only by at least 10 pairs, an interval
 * that excludes equality, and a permutation test; the comparisons declared in advance (the registry's `primary`
 * statistics) are corrected as one family a scenario, the others are marked exploratory.
 */
import type { Comparison } from '../../reports/summary.js';
import { type MetricName, metricNames, metricOf } from '../measures/metrics.js';
import { comparePaired, type PairedComparison } from '../statistics/comparison.js';
import { holmAdjusted } from '../statistics/holm.js';
import { estimateOf, figuresByRun, type PooledFigure } from '../statistics/pooled-figure.js';
import {
  atBounds,
  type Chance,
  confidenceLevel,
  figureOf,
  lackOfSamples,
  type PlannedRun,
  type Present,
  rounded,
  roundedBounds,
} from './estimates.js';
import { differenceInWords } from './wording.js';

export const fewestPairs = 10;
export const alpha = 1 - confidenceLevel;
/** Differences smaller than this do not matter in practice: 5 % of a figure, one point of a share. */
export const practicalRatio = 1.05;
export const practicalShare = 0.01;

interface Draft {
  readonly metric: MetricName;
  readonly statistic: string;
  readonly candidate: string;
  readonly reference: string;
  readonly compared: PairedComparison;
  /** Effects between these two do not matter in practice. */
  readonly indifferent: readonly [number, number];
  /** Which side's figure is right-censored and was taken at its bound. */
  readonly censored: Sides;
  /** Of the pairs that were planned, those without a value; and on whose side. */
  readonly missing: number;
  readonly lacking: Sides;
  /** Who cannot win by a shorter time to recover. */
  readonly unheld: Sides;
}

type Sides = 'none' | 'candidate' | 'reference' | 'both';

function sidesOf(candidate: boolean, reference: boolean): Sides {
  if (candidate) return reference ? 'both' : 'candidate';
  return reference ? 'reference' : 'none';
}

/** `planes`: the runs of each plane under one scenario. */
export function comparePlanes(planes: ReadonlyMap<string, readonly PlannedRun[]>, chance: Chance): Comparison[] {
  const names = [...planes.keys()];
  const scenario = planes.get(names[0] ?? '')?.[0]?.plan.scenario.name ?? '';
  const drafts = names.flatMap((candidate, i) =>
    names.slice(i + 1).flatMap((reference) => {
      const pairs = pairBySeed(planes.get(candidate) ?? [], planes.get(reference) ?? []);
      return metricNames.flatMap((metric) => draftMetric({ metric, candidate, reference, pairs, chance }));
    }),
  );
  const corrected = correctPrimaries(drafts);
  return drafts.map((draft) => {
    const { compared } = draft;
    const adjusted = corrected.get(draft);
    const asRatio = compared.effect === 'ratio' && draft.censored === 'none';
    return {
      scenario,
      metric: draft.metric,
      statistic: draft.statistic,
      candidate: draft.candidate,
      reference: draft.reference,
      ratio: asRatio && compared.estimate !== null ? rounded(compared.estimate) : null,
      confidenceInterval:
        asRatio && compared.interval ? { confidenceLevel, ...roundedBounds(compared.interval) } : null,
      pairs: compared.pairs,
      method: methodOf(draft, adjusted),
      outcome: decide(draft, adjusted ?? compared.pValue),
    };
  });
}

/** The runs of one seed; null: there is none, or none that is valid. */
type Pair = readonly [PlannedRun | null, PlannedRun | null];

function pairBySeed(candidates: readonly PlannedRun[], references: readonly PlannedRun[]): Pair[] {
  const keyOf = ({ plan }: PlannedRun) => `${plan.seed} ${plan.repetition}`;
  const bySeed = (runs: readonly PlannedRun[]) =>
    new Map(runs.filter(({ invalid }) => invalid.length === 0).map((run) => [keyOf(run), run]));
  const [ours, theirs] = [bySeed(candidates), bySeed(references)];
  const planned = new Set([...candidates, ...references].map(keyOf));
  return [...planned].map((key): Pair => [ours.get(key) ?? null, theirs.get(key) ?? null]);
}

function draftMetric(options: {
  metric: MetricName;
  candidate: string;
  reference: string;
  pairs: readonly Pair[];
  chance: Chance;
}): Draft[] {
  const { metric, candidate, reference, chance } = options;
  const { better, kind, domain, statistics } = metricOf(metric);
  if (better === 'neither' || (kind !== 'samples' && kind !== 'ratio')) return [];
  const presentIn = (run: PlannedRun | null): Present | null => {
    const measure = run?.measures[metric];
    return measure === undefined || measure.kind === 'absent' ? null : measure;
  };
  const values = options.pairs.map(([one, other]) => [presentIn(one), presentIn(other)] as const);
  const both = values.flatMap(([ours, theirs]): [Present, Present][] => (ours && theirs ? [[ours, theirs]] : []));
  if (both.length === 0) return [];
  const missing = values.length - both.length;
  const lacking = sidesOf(
    values.some(([ours]) => ours === null),
    values.some(([, theirs]) => theirs === null),
  );

  const unheld = metric === 'faults.mttr' ? unheldSides(options.pairs) : 'none';

  const sides = [both.map(([one]) => one), both.map(([, other]) => other)] as const;
  return statistics.flatMap((statistic) => {
    if (sides.some((measures) => lackOfSamples(measures, statistic) !== null)) return [];
    const [one, other] = sides.map((measures) => boundedFigure(measures, statistic)) as [Bounded, Bounded];
    // Zero has no ratio: a plane that was never hurt has an MTTR of 0.
    const positive = [one, other].every(({ figure }) => figuresByRun(figure).every((value) => value > 0));
    const effect = domain === 'positive' && positive ? 'ratio' : 'difference';
    const margin = domain === 'share' ? practicalShare : (practicalRatio - 1) * Math.abs(estimateOf(other.figure));
    const censored = sidesOf(one.censored, other.censored);
    const compared = comparePaired(one.figure, other.figure, {
      effect,
      level: confidenceLevel,
      random: chance.random.fork(`${metric} ${statistic} ${candidate} ${reference}`),
    });
    const indifferent =
      effect === 'ratio' ? ([1 / practicalRatio, practicalRatio] as const) : ([-margin, margin] as const);
    return [{ metric, statistic, candidate, reference, compared, indifferent, censored, missing, lacking, unheld }];
  });
}

/**
 * MTTR is the time to the SLO regained where one was lost, and to the usual band where none was. Between those no shorter time
 * wins: whoever lost an SLO did worse than one that kept all of them, and whoever did not hold one before the fault has nothing
 * to regain.
 */
function unheldSides(pairs: readonly Pair[]): Sides {
  const fates = (side: 0 | 1) =>
    pairs
      .flatMap((pair) => pair[side]?.recoveries ?? [])
      .flatMap(({ slos }) => Object.values(slos).map(({ fate }) => fate));
  const [ours, theirs] = [fates(0), fates(1)];
  const lost = (own: typeof ours) => own.filter((fate) => fate === 'lost').length;
  // Oftener than the other: its times are to another end in more of the pairs, and not the shorter ones for it.
  const isUnheld = (own: typeof ours, other: typeof ours) => own.includes('not held before') || lost(own) > lost(other);
  return sidesOf(isUnheld(ours, theirs), isUnheld(theirs, ours));
}

interface Bounded {
  readonly figure: PooledFigure;
  readonly censored: boolean;
}

/** The figure, or where it is censored in all runs together or in one of them, that of the bounds. */
function boundedFigure(measures: readonly Present[], statistic: string): Bounded {
  const figure = figureOf(measures, statistic);
  if (!figuresByRun(figure).includes(Number.POSITIVE_INFINITY)) return { figure, censored: false };
  return { figure: figureOf(atBounds(measures), statistic), censored: true };
}

const isPrimary = ({ metric, statistic }: Draft) => metricOf(metric).primary === statistic;

function correctPrimaries(drafts: readonly Draft[]): Map<Draft, number> {
  const family = drafts.filter((draft) => isPrimary(draft) && draft.compared.pValue !== null);
  const adjusted = holmAdjusted(family.map(({ compared }) => compared.pValue as number));
  return new Map(family.map((draft, i) => [draft, adjusted[i] as number]));
}

function decide(draft: Draft, pValue: number | null): Comparison['outcome'] {
  const { compared, metric, censored, lacking, unheld } = draft;
  if (compared.pairs < fewestPairs || compared.estimate === null || pValue === null || censored === 'both') {
    return 'inconclusive';
  }
  const equality = compared.effect === 'ratio' ? 1 : 0;
  // Without any variation over the pairs there is no interval, and the permutation test stands alone.
  const { lowerBound, upperBound } = compared.interval ?? {
    lowerBound: compared.estimate,
    upperBound: compared.estimate,
  };
  if (compared.interval === null && !compared.isSameInAll) return 'inconclusive';
  const [least, most] = draft.indifferent;
  const isWhole = censored === 'none' && lacking === 'none' && unheld === 'none';
  if (lowerBound >= least && upperBound <= most) return isWhole ? 'equivalent' : 'inconclusive';
  if (pValue > alpha || (lowerBound <= equality && upperBound >= equality)) return 'inconclusive';
  const isLower = upperBound < equality;
  // A censored figure is really higher than its bound: only the conclusion that it is higher stands.
  if (censored === (isLower ? 'candidate' : 'reference')) return 'inconclusive';
  const isBetter = isLower === (metricOf(metric).better === 'lower');
  // Nobody wins by the runs that are left when others of its own failed: those may have been its worst.
  const winner = isBetter ? 'candidate' : 'reference';
  if ([lacking, unheld].some((sides) => sides === 'both' || sides === winner)) return 'inconclusive';
  return isBetter ? 'better' : 'worse';
}

function methodOf(draft: Draft, adjusted: number | undefined): string {
  const { compared, censored, missing, lacking, unheld } = draft;
  const words = (value: number) => differenceInWords(value, metricOf(draft.metric).unit);
  const difference =
    compared.effect === 'difference' && compared.estimate !== null
      ? ` of ${words(compared.estimate)}${
          compared.interval ? ` [${words(compared.interval.lowerBound)}, ${words(compared.interval.upperBound)}]` : ''
        }`
      : '';
  return [
    `${compared.effect}${difference} of pooled figures, ${compared.method.replace('over runs', 'over pairs')}`,
    censored === 'none'
      ? ''
      : `${censored === 'both' ? 'both are' : `the ${censored} is`} right-censored, taken at the bound`,
    compared.pValue === null
      ? ''
      : `sign-flip p = ${rounded(compared.pValue)}, ${
          adjusted === undefined ? 'exploratory' : `${rounded(adjusted)} after Holm`
        }`,
    missing === 0
      ? ''
      : `${missing} of ${missing + compared.pairs} pairs lack a value of ${lacking === 'both' ? 'either side' : `the ${lacking}`}`,
    unheld === 'none'
      ? ''
      : `${unheld === 'both' ? 'both' : `the ${unheld}`} lost an SLO that the other kept, or did not hold one before the fault`,
    compared.pairs < fewestPairs ? `${compared.pairs} pairs, ${fewestPairs} needed to decide` : '',
  ]
    .filter((part) => part !== '')
    .join('; ');
}
