/**
 * The summary of a soak: which runs did not pass, what the harness held after each run, and whether it levels off. A
 * process, descriptor, file or object that each run leaves behind shows as growth. The first half of the runs is left out
 * of the trend: there caches fill and the heap finds its size.
 */
import type { PriceBook, SoakResource, SoakSummary, Summary, Verdict } from '../../reports/summary.js';
import { theilSenTrend } from '../statistics/trend.js';
import { confidenceLevel, rounded } from './estimates.js';
import { counted, listed } from './wording.js';

/** What is needed of a line of `soak.jsonl`, in the order of the lines. */
export interface SoakRun {
  readonly run: string;
  readonly seed: number;
  readonly architecture: string;
  readonly faults: readonly string[];
  /** `pass`, or the first finding. */
  readonly verdict: string;
  /** Held by the harness when the run was over; null where the operating system does not tell. */
  readonly rssBytes: number;
  readonly descriptors: number | null;
  readonly children: number | null;
  readonly scratchBytes: number;
}

export interface SoakFacts {
  readonly suite: string;
  readonly seed: number;
  readonly command: string;
  readonly prices: PriceBook;
  /** What the soak came to by its own rule. */
  readonly outcome: Verdict['outcome'];
  readonly runs: readonly SoakRun[];
}

export function summariseSoak({ suite, seed, command, prices, outcome, runs }: SoakFacts): Summary {
  const soak = describeSoak(runs);
  return {
    schema: 'planebench.summary/1',
    run: {
      suite,
      seed,
      repetitions: runs.length,
      confidenceLevel,
      scenarios: [],
      architectures: [...new Set(runs.map(({ architecture }) => architecture))].map((name) => ({ name, params: null })),
      command,
    },
    validity: { valid: runs.length > 0 && outcome !== 'inconclusive', findings: [] },
    estimates: [],
    comparisons: [],
    claims: [],
    series: [],
    faultOutcomes: [],
    soak,
    costs: { prices, planes: [] },
    verdict: { outcome, sentences: sentencesOf(soak) },
  };
}

function sentencesOf({ runs, failed, resources }: SoakSummary): string[] {
  const of = (outcome: string) =>
    resources.filter(({ trend }) => (trend?.outcome ?? 'undecided') === outcome).map(({ resource }) => resource);
  const [growing, open] = [of('grows'), of('undecided')];
  return [
    runs === 0
      ? 'No run was finished.'
      : failed.length === 0
        ? `All ${counted(runs, 'run')} passed.`
        : `${counted(failed.length, 'run')} of ${runs} did not pass.`,
    ...(growing.length === 0 ? [] : [`The harness does not level off: ${listed(growing)} grew over the second half.`]),
    ...(open.length === 0 ? [] : [`Whether the harness levels off is not known of ${listed(open)}.`]),
    ...(growing.length + open.length > 0 ? [] : ['Memory, descriptors, processes and disk of the harness level off.']),
  ];
}

const resources = [
  { resource: 'memory', unit: 'bytes', read: (run: SoakRun) => run.rssBytes },
  { resource: 'descriptors', unit: 'count', read: (run: SoakRun) => run.descriptors },
  { resource: 'processes', unit: 'count', read: (run: SoakRun) => run.children },
  { resource: 'disk', unit: 'bytes', read: (run: SoakRun) => run.scratchBytes },
] as const;

/** Enough for a chart; and for a trend, whose pairs of points are counted in squares. */
const mostDrawn = 300;
const mostInTrend = 2000;
/** Growth over the second half, as a share of the level there, below which nobody would look for a leak. */
const negligibleGrowth = 0.05;

function describeSoak(runs: readonly SoakRun[]): SoakSummary {
  return {
    runs: runs.length,
    failed: runs
      .filter(({ verdict }) => verdict !== 'pass')
      .map(({ run, seed, faults, verdict }) => ({ run, seed, faults, verdict })),
    resources: resources.map(({ resource, unit, read }) => {
      const points = runs.flatMap((run, index) => {
        const value = read(run);
        return value === null ? [] : [{ run: index + 1, value }];
      });
      return { resource, unit, points: thinned(points, mostDrawn), trend: trendOf(points, runs.length) };
    }),
  };
}

function trendOf(all: SoakResource['points'], runs: number): SoakResource['trend'] {
  const points = thinned(
    all.filter(({ run }) => run > runs / 2),
    mostInTrend,
  );
  const values = points.map(({ value }) => value);
  const trend = theilSenTrend(
    points.map(({ run }) => run),
    values,
    confidenceLevel,
  );
  if (trend === null) return null;
  const { slope, interval } = trend;
  const level = [...values].sort((a, b) => a - b)[values.length >> 1] as number;
  const fromRun = (points[0] as { run: number }).run;
  const growth = interval.upperBound * ((points.at(-1) as { run: number }).run - fromRun);
  return {
    fromRun,
    level,
    growthPerRun: rounded(slope),
    confidenceLevel,
    lowerBound: rounded(interval.lowerBound),
    upperBound: rounded(interval.upperBound),
    outcome: growth <= negligibleGrowth * level ? 'levels off' : interval.lowerBound > 0 ? 'grows' : 'undecided',
  };
}

/** At most so many of them, evenly spread, the last among them. */
function thinned<T>(items: readonly T[], most: number): T[] {
  const step = Math.max(1, Math.ceil(items.length / most));
  return items.filter((_, index) => (items.length - 1 - index) % step === 0);
}
