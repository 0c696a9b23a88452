/**
 * What the harness holds after each run of a soak, and whether it levels off: a process, descriptor, file or object that
 * each run leaves behind shows as growth. The first half of the runs is left out, in which caches fill and the heap finds
 * its size.
 */
import { z } from 'zod';
import type { SoakResource, SoakSummary } from '../../reports/summary.js';
import { HarnessError } from '../errors.js';
import { theilSenTrend } from '../statistics/trend.js';
import { confidenceLevel, rounded } from './estimates.js';

const held = z.number().nonnegative().nullable();
const soakRun = z.object({
  run: z.string(),
  seed: z.number(),
  faults: z.array(z.string()),
  verdict: z.string(),
  /** Of the harness; null: not known on this machine. */
  rssBytes: held,
  descriptors: held,
  /** Processes left behind. */
  children: held,
  /** On disk, left behind. */
  scratchBytes: held,
  atUs: z.number(),
});
/** A line of `soak.jsonl`. */
export type SoakRun = z.infer<typeof soakRun>;

/** In the order of the lines. A last line without its end was being written when the suite was killed, and is left out. */
export function readSoakRuns(text: string, path: string): SoakRun[] {
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .flatMap((line, index) => {
      if (line === '') return [];
      const run = soakRun.safeParse(parsed(line));
      if (run.success) return [run.data];
      throw new HarnessError(
        `${path}, line ${index + 1}: expected a run of a soak as JSON ({"run", "seed", "faults", "verdict", "rssBytes", ...}), got ${line.slice(0, 80)}. Remove the line, or run the soak again.`,
      );
    });
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
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

export function summariseSoak(runs: readonly SoakRun[]): SoakSummary | null {
  if (runs.length === 0) return null;
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
