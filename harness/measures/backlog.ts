/**
 * Changes emitted and not yet shown, counted alike for every plane: on the panel, then scaled by the panel's share of
 * all changes. A refused change counts until `lastSeq` passes it, as everything else.
 */
import { appendOutcomes, type RunFacts } from '../record/facts.js';
import { sortSamples } from '../statistics/samples.js';
import { theilSenSlope } from '../statistics/trend.js';
import { type MeasureOf, notMeasured } from './measured.js';
import type { PanelProbes } from './panel.js';

export interface BacklogSeries {
  /** Sending of each answered probe. */
  readonly atUs: Float64Array;
  /** Changes of the whole stream, scaled from the panel. */
  readonly changes: Float64Array;
  /** Panel sum of `lastSeq`. */
  readonly shown: Float64Array;
}

export function foldBacklog(run: RunFacts, probes: PanelProbes): BacklogSeries {
  const { changes, share } = run.panel;
  // What never entered the change log is nobody's backlog.
  const emissions = changes.emitUs.filter((_, i) => changes.acknowledged[i] === 1).sort();
  const answered = [...probes.answered.keys()].filter((probe) => probes.answered[probe] === 1);
  answered.sort((a, b) => (probes.sentUs[a] as number) - (probes.sentUs[b] as number));
  const atUs = Float64Array.from(answered, (probe) => probes.sentUs[probe] as number);
  const shown = new Float64Array(answered.length);
  const backlog = new Float64Array(answered.length);
  let emitted = 0;
  for (const [row, probe] of answered.entries()) {
    while (emitted < emissions.length && (emissions[emitted] as number) <= (atUs[row] as number)) emitted++;
    let sum = 0;
    for (let member = 0; member < probes.members; member++) {
      sum += Math.max(0, probes.lastSeq[probe * probes.members + member] as number);
    }
    shown[row] = sum;
    // The rows were read a little after the probe was sent, so they may show what was emitted meanwhile.
    backlog[row] = Math.max(0, emitted - sum) / share;
  }
  return { atUs, changes: backlog, shown };
}

const fewestCycles = 4;

/**
 * Growth of the backlog, changes per second: Theil-Sen over the minima of cycles, because a plane that works in batches
 * swings between them without growing. A cycle is the plane's own, as seen from outside: the longest time for which
 * nothing new was shown. NaN with fewer than four cycles in the window.
 */
function backlogGrowth(series: BacklogSeries, window: { readonly fromUs: number; readonly untilUs: number }): number {
  const { first, end } = rowsWithin(series, window);
  let advancedUs = window.fromUs;
  let cycleUs = 0;
  for (let row = first + 1; row < end; row++) {
    if ((series.shown[row] as number) <= (series.shown[row - 1] as number)) continue;
    cycleUs = Math.max(cycleUs, (series.atUs[row] as number) - advancedUs);
    advancedUs = series.atUs[row] as number;
  }
  cycleUs = Math.max(cycleUs, window.untilUs - advancedUs);
  const cycles = Math.floor((window.untilUs - window.fromUs) / cycleUs);
  if (cycles < fewestCycles) return Number.NaN;

  const lowest = new Map<number, number>();
  for (let row = first; row < end; row++) {
    const cycle = Math.min(cycles - 1, Math.floor(((series.atUs[row] as number) - window.fromUs) / cycleUs));
    const known = lowest.get(cycle);
    if (known === undefined || (series.changes[row] as number) < (series.changes[known] as number)) {
      lowest.set(cycle, row);
    }
  }
  const minima = [...lowest.values()];
  return theilSenSlope(
    minima.map((row) => (series.atUs[row] as number) / 1e6),
    minima.map((row) => series.changes[row] as number),
  );
}

export function measureBacklog(run: RunFacts, series: BacklogSeries) {
  const window = { fromUs: run.timeline.measureStartUs, untilUs: run.timeline.measureEndUs };
  return {
    'ingest.backlog': backlogMeasure(series, window),
    'ingest.backlog_growth': growthMeasure(series, window),
    'ingest.achieved_rate': achievedMeasure(run, series, window),
    'ingest.offered_rate': offeredMeasure(run, window),
  };
}

type Window = Parameters<typeof backlogGrowth>[1];

function backlogMeasure(series: BacklogSeries, window: Window): MeasureOf<'samples'> {
  const { first, end } = rowsWithin(series, window);
  if (end === first) return notMeasured('no probe was answered in the measured window');
  return { kind: 'samples', samples: sortSamples(series.changes.subarray(first, end)) };
}

function growthMeasure(series: BacklogSeries, window: Window): MeasureOf<'ratio'> {
  const growth = backlogGrowth(series, window);
  if (Number.isNaN(growth))
    return notMeasured(`the measured window holds fewer than ${fewestCycles} cycles of the plane`);
  return { kind: 'ratio', numerator: growth, denominator: 1, samples: 1 };
}

function achievedMeasure(run: RunFacts, series: BacklogSeries, window: Window): MeasureOf<'ratio'> {
  const { first, end } = rowsWithin(series, window);
  if (end - first < 2) return notMeasured('fewer than two probes were answered in the measured window');
  const { from, until } = wholeCycles(series, first, end);
  const shown = (series.shown[until] as number) - (series.shown[from] as number);
  const seconds = ((series.atUs[until] as number) - (series.atUs[from] as number)) / 1e6;
  return { kind: 'ratio', numerator: shown / run.panel.share, denominator: seconds, samples: until - from + 1 };
}

/**
 * The rows between which a plane's rate is taken: its first and last step forward. Between fixed moments a plane that
 * works in batches would be credited with a part of a batch, and one batch more or less than it was given the time for,
 * so that it could take in more than it was offered. A plane that has stood still for longer than between any two of its
 * steps is not between two batches: that time counts.
 */
function wholeCycles({ atUs, shown }: BacklogSeries, first: number, end: number): { from: number; until: number } {
  const steps: number[] = [];
  for (let row = first + 1; row < end; row++) {
    if ((shown[row] as number) > (shown[row - 1] as number)) steps.push(row);
  }
  const [from, until] = [steps[0], steps[steps.length - 1]];
  if (from === undefined || until === undefined || from === until) return { from: first, until: end - 1 };
  const stood = (a: number, b: number) => (atUs[b] as number) - (atUs[a] as number);
  const longest = steps.reduce((most, row, i) => (i === 0 ? 0 : Math.max(most, stood(steps[i - 1] as number, row))), 0);
  return {
    from: stood(first, from) > longest ? first : from,
    until: stood(until, end - 1) > longest ? end - 1 : until,
  };
}

function offeredMeasure({ appends }: RunFacts, window: Window): MeasureOf<'ratio'> {
  const acknowledged = appendOutcomes.indexOf('acknowledged');
  let changes = 0;
  let rows = 0;
  for (let i = 0; i < appends.rows; i++) {
    const slotUs = appends.slotUs[i] as number;
    if (slotUs < window.fromUs || slotUs >= window.untilUs) continue;
    rows++;
    if (appends.outcome[i] === acknowledged) changes += appends.changes[i] as number;
  }
  if (rows === 0) return notMeasured('nothing was offered in the measured window');
  return { kind: 'ratio', numerator: changes, denominator: (window.untilUs - window.fromUs) / 1e6, samples: rows };
}

function rowsWithin({ atUs }: BacklogSeries, window: Window): { first: number; end: number } {
  let first = 0;
  while (first < atUs.length && (atUs[first] as number) < window.fromUs) first++;
  let end = first;
  while (end < atUs.length && (atUs[end] as number) < window.untilUs) end++;
  return { first, end };
}
