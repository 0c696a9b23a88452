/**
 * Two runs of a suite, B against A: every figure that both have, judged two-sided by the rule of decision.ts. What the
 * registry declares in advance (`primary`) is corrected as one family and makes the outcome; the rest is exploratory.
 */
import type { Baseline, FigureValues, PlaneValues, RunValue } from '../../reports/baseline.js';
import { correctsItself, defectOf } from '../../reports/defects.js';
import type { ComparedFigure, SuiteComparison } from '../../reports/suite-comparison.js';
import { UsageError } from '../errors.js';
import { type MetricName, metricOf } from '../measures/metrics.js';
import { holmAdjusted } from '../statistics/holm.js';
import { fewestPairs, practicalRatio, practicalShare } from '../summary/comparisons.js';
import { type Chance, confidenceLevel, rounded, roundedBounds } from '../summary/estimates.js';
import { counted, digits, inWords, listed } from '../summary/wording.js';
import {
  describeBasis,
  type Judgement,
  judge,
  marginOn,
  planeOf,
  planesOnlyIn,
  sideOf,
  type Worsening,
  worseningOf,
} from './decision.js';
import { describeBooks, withOneBook } from './price-books.js';

export interface Named {
  readonly name: string;
  readonly values: Baseline;
}

interface Draft {
  readonly plane: PlaneValues;
  readonly metric: MetricName;
  readonly statistic: string;
  readonly better: 'lower' | 'higher';
  readonly declared: boolean;
  readonly worsening: Worsening | null;
  /** A run that is missing or has no value on either side: never "the same". */
  readonly complete: boolean;
  /** A defect of which B has more than A. */
  readonly grew: boolean;
}

export function compareSuites(givenA: Named, givenB: Named, chance: Chance): SuiteComparison {
  const one = withOneBook(givenA.values, givenB.values);
  const [a, b] = [
    { ...givenA, values: one.a },
    { ...givenB, values: one.b },
  ];
  const drafts = b.values.planes.flatMap((plane) => {
    const other = planeOf(a.values, plane.scenario, plane.architecture);
    return other === undefined ? [] : draftPlane(plane, other, { a: a.values, b: b.values, chance });
  });
  if (drafts.length === 0) {
    throw new UsageError(
      `${a.name} and ${b.name} have no figure of the same plane under the same scenario: there is nothing to compare.`,
    );
  }
  const family = drafts.filter(({ declared }) => declared);
  const adjusted = holmAdjusted(family.map(({ worsening }) => worsening?.pValue ?? 1));
  const corrected = new Map(family.map((draft, i) => [draft, adjusted[i] as number]));
  const figures = drafts.map((draft) => describeFigure(draft, corrected.get(draft) ?? draft.worsening?.pValue ?? null));
  const grown = figures.filter((_, i) => drafts[i]?.grew);
  const onlyOne = [...onlyIn(a, b), ...onlyIn(b, a)];
  const isOpen = grown.length > 0 || onlyOne.length > 0 || !a.values.finished || !b.values.finished;
  const outcome = outcomeOf(figures, isOpen);
  const sentences = [
    ...describe({ a, b, figures, grown }),
    ...onlyOne,
    ...(one.differ ? [describeBooks(a.name, b.name)] : []),
  ];
  return { schema: 'planebench.comparison/1', a: a.name, b: b.name, outcome, sentences, figures };
}

/** What is in one of two suites alone is neither worse nor no worse. */
function onlyIn(one: Named, other: Named): string[] {
  const alone = planesOnlyIn(one.values, other.values);
  if (alone.length === 0) return [];
  return [`Only ${one.name} has ${listed(alone)}: nothing is said of that.`];
}

function draftPlane(
  plane: PlaneValues,
  other: PlaneValues,
  { a, b, chance }: { a: Baseline; b: Baseline; chance: Chance },
): Draft[] {
  // What either side has: a figure that only one has lacks data, and does not vanish.
  const names = new Map(
    [...other.figures, ...plane.figures].map((figure) => [`${figure.metric} ${figure.statistic}`, figure]),
  );
  // Until it has corrected itself a plane that declares to do so may do what others may not.
  const settles = [plane, other].every(({ figures }) => correctsItself(figures.map(countedOf)));
  return [...names.values()].flatMap(({ metric: name, statistic }): Draft[] => {
    const metric = name as MetricName;
    const { better, domain, primary } = metricOf(metric);
    if (better === 'neither') return [];
    const [ours, theirs] = [sideOf(plane, metric, statistic), sideOf(other, metric, statistic)];
    const label = `compare ${plane.scenario} ${plane.architecture} ${metric} ${statistic}`;
    return [
      {
        plane,
        metric,
        statistic,
        better,
        declared: primary === statistic,
        worsening: worseningOf(ours, theirs, { better, domain, commonSeeds: a.seed === b.seed, label, chance }),
        complete:
          ours.values.length >= b.repetitions &&
          theirs.values.length >= a.repetitions &&
          [...ours.values, ...theirs.values].every((value) => value !== null),
        grew: defectOf(metric, settles) !== null && meanOf(ours.values) > meanOf(theirs.values),
      },
    ];
  });
}

/** As the defects of a suite have it: null where no run has a value. */
function countedOf({ metric, values }: FigureValues) {
  return { metric, value: values.every((value) => value === null) ? null : meanOf(values) };
}

/** Of the runs that have a value; 0 where none has. */
function meanOf(values: readonly RunValue[]): number {
  const known = values.filter((value) => typeof value === 'number');
  return known.length === 0 ? 0 : known.reduce((sum, value) => sum + value, 0) / known.length;
}

function describeFigure(draft: Draft, pValue: number | null): ComparedFigure {
  const { plane, metric, statistic, declared, worsening, better } = draft;
  const { unit } = metricOf(metric);
  const base = { scenario: plane.scenario, architecture: plane.architecture, metric, statistic, unit, declared };
  if (worsening === null) {
    const nothing = {
      a: null,
      b: null,
      effect: null,
      estimate: null,
      confidenceInterval: null,
      pairs: 0,
      pValue: null,
    };
    return { ...base, ...nothing, outcome: 'inconclusive', method: 'no pair of runs has both values' };
  }
  const { scale, estimate, interval, pairs, paired, identical, mayPass, mayFail } = worsening;
  // Back from "worse" to "higher".
  const back = (value: number) => {
    const higher = better === 'lower' ? value : -value;
    return rounded(scale === 'log' ? Math.exp(higher) : higher);
  };
  const ends = interval && [back(interval.lowerBound), back(interval.upperBound)].sort((x, y) => x - y);
  return {
    ...base,
    outcome: outcomeOfFigure(draft, worsening, pValue),
    a: rounded(worsening.reference),
    b: rounded(worsening.candidate),
    effect: scale === 'log' ? 'ratio' : 'difference',
    estimate: back(estimate),
    confidenceInterval: ends && {
      confidenceLevel,
      ...roundedBounds({ lowerBound: ends[0] as number, upperBound: ends[1] as number }),
    },
    pairs,
    pValue: pValue === null ? null : rounded(pValue),
    method: [
      paired ? counted(pairs, 'pair') : `${counted(pairs, 'run')} a side, no common seeds`,
      identical ? 'the same digit for digit' : worsening.method,
      ...(mayPass && mayFail ? [] : ['right-censored, taken at the bound']),
      ...(pValue === null ? [] : [`p = ${digits(pValue)}${declared ? ' after Holm' : ''}`]),
      ...(draft.complete ? [] : ['runs or values are missing']),
      ...(pairs < fewestPairs ? [`${fewestPairs} needed to decide`] : []),
    ].join(', '),
  };
}

const outcomes = { better: 'better', within: 'same', worse: 'worse', inconclusive: 'inconclusive' } as const;

function outcomeOfFigure(draft: Draft, worsening: Worsening, pValue: number | null): ComparedFigure['outcome'] {
  const { domain } = metricOf(draft.metric);
  const margin = marginOn(worsening, domain === 'share' ? practicalShare : practicalRatio - 1, domain);
  const { outcome }: Judgement = judge(worsening, margin, pValue);
  return draft.complete || outcome === 'worse' ? outcomes[outcome] : 'inconclusive';
}

/** Only what was declared decides; what is missing, or open, is never "no worse". */
function outcomeOf(figures: readonly ComparedFigure[], open: boolean): SuiteComparison['outcome'] {
  const declared = figures.filter((figure) => figure.declared).map(({ outcome }) => outcome);
  if (declared.includes('worse')) return 'worse';
  return open || declared.length === 0 || declared.includes('inconclusive') ? 'inconclusive' : 'no worse';
}

function describe(input: {
  a: Named;
  b: Named;
  figures: readonly ComparedFigure[];
  grown: readonly ComparedFigure[];
}): string[] {
  const { a, b, figures, grown } = input;
  const declared = figures.filter((figure) => figure.declared);
  const count = (wanted: ComparedFigure['outcome']) =>
    digits(declared.filter(({ outcome }) => outcome === wanted).length);
  const most = Math.max(0, ...figures.map(({ pairs }) => pairs));
  const measured = b.values.scenarios.some(({ badge }) => badge === 'measured');
  return [
    `Of ${counted(declared.length, 'figure')} declared in advance B is better in ${count('better')}, worse in ${count('worse')}, the same within ${digits(100 * (practicalRatio - 1))} % (${digits(100 * practicalShare)} point of a share) in ${count('same')}; ${count('inconclusive')} are inconclusive.`,
    describeBasis(b.values),
    ...grown.map(
      ({ scenario, architecture, metric, unit, a: before, b: now }) =>
        `${architecture} has more ${metric} in B than in A (${scenario}: ${inWords(now ?? 0, unit)} a run after ${inWords(before ?? 0, unit)}): the gate and the report of B judge that.`,
    ),
    ...[a, b].flatMap(({ name, values }) =>
      values.finished
        ? []
        : [`${name} was interrupted, or did not observe everything that was asked for: something is missing.`],
    ),
    ...(most < fewestPairs
      ? [`There are at most ${counted(most, 'pair')}: nothing is decided on fewer than ${fewestPairs}.`]
      : []),
    ...(figures.some(({ method }) => method.includes('no common seeds'))
      ? ['A and B share no seeds: they are compared unpaired.']
      : []),
    ...(measured && a.values.from.machine !== b.values.from.machine
      ? [
          `A was measured on another machine (${a.values.from.machine}; B on ${b.values.from.machine}): a difference may be the machine's.`,
        ]
      : []),
  ];
}
