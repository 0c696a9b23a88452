/**
 * Changes emitted and not yet shown, counted alike for every plane: on the panel, then scaled by the panel's share of
 * all changes. A refused change counts until `lastSeq` passes it, as everything else.
 */
import { appendOutcomes, type RunFacts } from '../record/facts.js';
import { sortSamples } from '../statistics/samples.js';
import { theilSenSlope } from '../statistics/trend.js';
import { type MeasureOf, notMeasured } from './measured.js';
import type { Panel, PanelProbes } from './panel.js';

export interface BacklogSeries {
  /** When the panel was looked at. */
  readonly atUs: Float64Array;
  /** Changes of the whole stream, scaled from the panel. */
  readonly changes: Float64Array;
  /** Panel sum of `lastSeq`. */
  readonly shown: Float64Array;
}

/** A moment, and the probe that tells what readers had been shown by then; null: none had been answered yet. */
interface Look {
  readonly atUs: number;
  readonly probe: number | null;
}

/** At the sending of each answered probe. */
export function foldBacklog(run: RunFacts, panel: Panel): BacklogSeries {
  const { probes } = panel;
  const looks = answeredProbes(probes).map((probe) => ({ atUs: probes.sentUs[probe] as number, probe }));
  return backlogAt(run, panel, looks);
}

interface SampledBacklog extends BacklogSeries {
  /** When the answer came that a row is taken from; -Infinity: none had come. */
  readonly answeredUs: Float64Array;
}

/**
 * At every moment at which a probe was due, answered or not. A probe is not sent while another is open, so of a plane that
 * answers nobody for two seconds, forty would be missing, and the backlog that grew meanwhile with them (coordinated
 * omission, Tene 2013). A row is of the probe that was due then if it was answered before the next was due, and otherwise
 * of what readers had last been shown.
 */
function sampleBacklog(run: RunFacts, panel: Panel): SampledBacklog {
  const { probes } = panel;
  const { loadStartUs, measureEndUs } = run.timeline;
  const { everyUs } = run.plan.scenario.workload.panel;
  const answered = answeredProbes(probes);
  const looks: Look[] = [];
  let known = 0;
  for (let dueUs = loadStartUs; dueUs < measureEndUs; dueUs += everyUs) {
    while (known < answered.length && (probes.doneUs[answered[known] as number] as number) < dueUs + everyUs) known++;
    const probe = answered[known - 1];
    // It may have been sent a little late.
    if (probe === undefined) looks.push({ atUs: dueUs, probe: null });
    else looks.push({ atUs: Math.max(dueUs, probes.sentUs[probe] as number), probe });
  }
  const answeredUs = Float64Array.from(looks, ({ probe }) =>
    probe === null ? Number.NEGATIVE_INFINITY : (probes.doneUs[probe] as number),
  );
  return { ...backlogAt(run, panel, looks), answeredUs };
}

/** In the order of their answers, which is that of their sending: there is one at a time. */
function answeredProbes({ answered }: PanelProbes): number[] {
  return [...answered.keys()].filter((probe) => answered[probe] === 1);
}

/** What never entered the change log is nobody's backlog. */
function backlogAt(run: RunFacts, { probes, emissionsUs }: Panel, looks: readonly Look[]): BacklogSeries {
  const { share } = run.panel;
  const shown = new Float64Array(looks.length);
  const backlog = new Float64Array(looks.length);
  let emitted = 0;
  for (let row = 0; row < looks.length; row++) {
    const { atUs, probe } = looks[row] as Look;
    while (emitted < emissionsUs.length && (emissionsUs[emitted] as number) <= atUs) emitted++;
    const sum = probe === null ? 0 : (probes.shown[probe] as number);
    shown[row] = sum;
    // The rows were read a little after the probe was sent, so they may show what was emitted meanwhile.
    backlog[row] = Math.max(0, emitted - sum) / share;
  }
  return { atUs: Float64Array.from(looks, ({ atUs }) => atUs), changes: backlog, shown };
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

export function measureBacklog(run: RunFacts, panel: Panel) {
  const window = { fromUs: run.timeline.measureStartUs, untilUs: run.timeline.measureEndUs };
  const series = sampleBacklog(run, panel);
  return {
    'ingest.backlog': backlogMeasure(series, window),
    'ingest.backlog_growth': growthMeasure(series, window),
    'ingest.achieved_rate': achievedMeasure(run, series, window),
    'ingest.offered_rate': offeredMeasure(run, window),
  };
}

type Window = Parameters<typeof backlogGrowth>[1];

function backlogMeasure(series: SampledBacklog, window: Window): MeasureOf<'samples'> {
  const { first, end } = rowsWithin(series, window);
  if (answersWithin(series, first, end, window).length === 0)
    return notMeasured('no probe was answered in the measured window');
  return { kind: 'samples', samples: sortSamples(series.changes.subarray(first, end)) };
}

function growthMeasure(series: BacklogSeries, window: Window): MeasureOf<'ratio'> {
  const growth = backlogGrowth(series, window);
  if (Number.isNaN(growth))
    return notMeasured(`the measured window holds fewer than ${fewestCycles} cycles of the plane`);
  return { kind: 'ratio', numerator: growth, denominator: 1, samples: 1 };
}

/** An unseen part of the window moves the rate by no more than itself. */
const unseenShare = 0.01;

function achievedMeasure(run: RunFacts, series: SampledBacklog, window: Window): MeasureOf<'ratio'> {
  const within = rowsWithin(series, window);
  const answers = answersWithin(series, within.first, within.end, window);
  const [first, last] = [answers[0], answers[answers.length - 1]];
  if (first === undefined || last === undefined || first === last)
    return notMeasured('fewer than two probes were answered in the measured window');
  const { from, until, longestUs } = wholeCycles(series, first, last + 1);
  // What the plane took in while nobody was answered, at either end, nobody saw.
  const bearableUs = Math.max(longestUs, unseenShare * (window.untilUs - window.fromUs));
  const firstUs = (series.answeredUs[first] as number) - window.fromUs;
  const lastUs = window.untilUs - (series.answeredUs[last] as number);
  if (lastUs > bearableUs)
    return notMeasured(`no probe was answered in the last ${(lastUs / 1e6).toFixed(1)} s of the window`);
  if (firstUs > bearableUs)
    return notMeasured(`no probe was answered in the first ${(firstUs / 1e6).toFixed(1)} s of the window`);
  const shown = (series.shown[until] as number) - (series.shown[from] as number);
  const span = { fromUs: series.atUs[from] as number, untilUs: series.atUs[until] as number };
  const seconds = (span.untilUs - span.fromUs) / 1e6;
  return { kind: 'ratio', numerator: shown / shareWithin(run, span), denominator: seconds, samples: until - from + 1 };
}

/**
 * The panel's share of what was offered in these moments: by its share of the whole trace a plane that keeps up would be
 * credited with more than it was offered whenever the panel's customers happened to be busier than usual, by 1 to 2 %.
 * (A ratio estimate: Cochran, Sampling Techniques, 1977, chapter 6.)
 */
function shareWithin(run: RunFacts, span: Window): number {
  const { changes, share } = run.panel;
  let ofPanel = 0;
  for (let i = 0; i < changes.rows; i++) {
    const emitUs = changes.emitUs[i] as number;
    if (changes.acknowledged[i] === 1 && emitUs >= span.fromUs && emitUs < span.untilUs) ofPanel++;
  }
  const offered = offeredWithin(run, span).changes;
  return ofPanel === 0 || offered === 0 ? share : ofPanel / offered;
}

/** The rows whose answer is new and came in the window: all of them, of a plane that answers in time. */
function answersWithin({ answeredUs }: SampledBacklog, first: number, end: number, { fromUs }: Window): number[] {
  const rows: number[] = [];
  for (let row = first; row < end; row++) {
    const isNew = row === 0 || answeredUs[row] !== answeredUs[row - 1];
    if (isNew && (answeredUs[row] as number) >= fromUs) rows.push(row);
  }
  return rows;
}

interface WholeCycles {
  readonly from: number;
  readonly until: number;
  /** From one step to the next; 0: there are no two. */
  readonly longestUs: number;
}

/**
 * The rows between which a plane's rate is taken: its first and last step forward. Between fixed moments a plane that
 * works in batches would be credited with a part of a batch, and one batch more or less than it was given the time for,
 * so that it could take in more than it was offered. A plane that has stood still for longer than between any two of its
 * steps is not between two batches: that time counts.
 */
function wholeCycles({ atUs, shown }: BacklogSeries, first: number, end: number): WholeCycles {
  const steps: number[] = [];
  for (let row = first + 1; row < end; row++) {
    if ((shown[row] as number) > (shown[row - 1] as number)) steps.push(row);
  }
  const [from, until] = [steps[0], steps[steps.length - 1]];
  if (from === undefined || until === undefined || from === until) return { from: first, until: end - 1, longestUs: 0 };
  const stood = (a: number, b: number) => (atUs[b] as number) - (atUs[a] as number);
  const longest = steps.reduce((most, row, i) => (i === 0 ? 0 : Math.max(most, stood(steps[i - 1] as number, row))), 0);
  return {
    from: stood(first, from) > longest ? first : from,
    until: stood(until, end - 1) > longest ? end - 1 : until,
    longestUs: longest,
  };
}

function offeredMeasure(run: RunFacts, window: Window): MeasureOf<'ratio'> {
  const { entries, changes } = offeredWithin(run, window);
  if (entries === 0) return notMeasured('nothing was offered in the measured window');
  return { kind: 'ratio', numerator: changes, denominator: (window.untilUs - window.fromUs) / 1e6, samples: entries };
}

/** Entries that were due in the window, and the changes of those that were acknowledged. */
function offeredWithin({ appends }: RunFacts, window: Window): { entries: number; changes: number } {
  const acknowledged = appendOutcomes.indexOf('acknowledged');
  let entries = 0;
  let changes = 0;
  for (let i = 0; i < appends.rows; i++) {
    const slotUs = appends.slotUs[i] as number;
    if (slotUs < window.fromUs || slotUs >= window.untilUs) continue;
    entries++;
    if (appends.outcome[i] === acknowledged) changes += appends.changes[i] as number;
  }
  return { entries, changes };
}

function rowsWithin({ atUs }: BacklogSeries, window: Window): { first: number; end: number } {
  let first = 0;
  while (first < atUs.length && (atUs[first] as number) < window.fromUs) first++;
  let end = first;
  while (end < atUs.length && (atUs[end] as number) < window.untilUs) end++;
  return { first, end };
}
