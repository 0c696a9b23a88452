/**
 * Freshness, seen from outside through the plane's own door.
 *
 * Visibility: a panel change is visible from the first probe whose `lastSeq` reaches its `seq`. The instant lies between
 * the sending of the last probe that did not show it and the answer of the first that did; the later end is taken, so a
 * figure is at most one probe too high, for every plane alike. A change that no probe ever showed is right-censored at
 * the last look.
 */
import type { RunFacts } from '../record/facts.js';
import { type Samples, sortSamples } from '../statistics/samples.js';
import type { MeasureOf } from './measured.js';
import { notMeasured } from './measured.js';
import { type AwaitedChanges, lastLookUs, type Panel } from './panel.js';

/** Parallel to the rows of `AwaitedChanges`. */
export interface Visibility {
  /** Infinity: never seen. */
  readonly visibleUs: Float64Array;
  /** Sending of the last answered probe that did not show it; -Infinity if there was none. */
  readonly hiddenAtUs: Float64Array;
}

export function foldVisibility({ probes, awaited }: Panel): Visibility {
  const visibleUs = new Float64Array(awaited.rows).fill(Number.POSITIVE_INFINITY);
  const hiddenAtUs = new Float64Array(awaited.rows).fill(Number.NEGATIVE_INFINITY);
  for (let member = 0; member < probes.members; member++) {
    const end = awaited.firstOf[member + 1] as number;
    let next = awaited.firstOf[member] as number;
    let lookedUs = Number.NEGATIVE_INFINITY;
    for (let probe = 0; probe < probes.probes && next < end; probe++) {
      const lastSeq = probes.lastSeq[probe * probes.members + member] as number;
      if (lastSeq < 0) continue;
      for (; next < end && (awaited.seq[next] as number) <= lastSeq; next++) {
        // No plane shows a change before it is emitted; one that claims to is caught by the ledger, and gains nothing here.
        visibleUs[next] = Math.max(probes.doneUs[probe] as number, awaited.emitUs[next] as number);
        hiddenAtUs[next] = lookedUs;
      }
      lookedUs = Math.max(lookedUs, probes.sentUs[probe] as number);
    }
    for (; next < end; next++) hiddenAtUs[next] = lookedUs;
  }
  return { visibleUs, hiddenAtUs };
}

/**
 * Visibility of the changes emitted in [fromUs, untilUs). Changes emitted less than the SLO before the last look are
 * left out, by their emission time alone: most of them would be censored by nothing but the end of the observation.
 */
export function visibilityOf(
  { awaited, probes }: Panel,
  { visibleUs, hiddenAtUs }: Visibility,
  window: EmissionWindow,
): Samples {
  const untilUs = Math.min(window.untilUs, lastLookUs(probes) - window.sloUs);
  const observed: number[] = [];
  const censored: number[] = [];
  for (let i = 0; i < awaited.rows; i++) {
    const emitUs = awaited.emitUs[i] as number;
    if (emitUs < window.fromUs || emitUs >= untilUs) continue;
    if (visibleUs[i] !== Number.POSITIVE_INFINITY) observed.push((visibleUs[i] as number) - emitUs);
    else censored.push(Math.max(0, (hiddenAtUs[i] as number) - emitUs));
  }
  return sortSamples(observed, censored);
}

/** The share of an emission second's changes that must become visible within the SLO. */
export const sloQuantile = 0.95;
const secondUs = 1_000_000;

export interface SloSeconds {
  readonly met: number;
  readonly seconds: number;
  /** Seconds whose verdict hangs on changes that were not watched long enough. */
  readonly undecided: number;
}

/** Whole emission seconds of [fromUs, untilUs) in which 95 % of the panel's changes became visible within the SLO. */
export function foldSloSeconds(
  awaited: AwaitedChanges,
  { visibleUs, hiddenAtUs }: Visibility,
  window: EmissionWindow,
): SloSeconds {
  const length = Math.max(0, Math.floor((window.untilUs - window.fromUs) / secondUs));
  const changes = new Uint32Array(length);
  const fresh = new Uint32Array(length);
  const unknown = new Uint32Array(length);
  const add = (counts: Uint32Array, second: number) => {
    counts[second] = (counts[second] as number) + 1;
  };
  for (let i = 0; i < awaited.rows; i++) {
    const emitUs = awaited.emitUs[i] as number;
    if (emitUs < window.fromUs || emitUs >= window.untilUs) continue;
    const second = Math.floor((emitUs - window.fromUs) / secondUs);
    if (second >= length) continue;
    add(changes, second);
    if ((visibleUs[i] as number) - emitUs <= window.sloUs) add(fresh, second);
    else if (visibleUs[i] === Number.POSITIVE_INFINITY && (hiddenAtUs[i] as number) - emitUs < window.sloUs) {
      add(unknown, second);
    }
  }
  let met = 0;
  let seconds = 0;
  let undecided = 0;
  for (let second = 0; second < length; second++) {
    const needed = sloQuantile * (changes[second] as number);
    if (changes[second] === 0) continue;
    if ((fresh[second] as number) >= needed) met++;
    else if ((fresh[second] as number) + (unknown[second] as number) >= needed) {
      undecided++;
      continue;
    }
    seconds++;
  }
  return { met, seconds, undecided };
}

export interface EmissionWindow {
  readonly fromUs: number;
  readonly untilUs: number;
  readonly sloUs: number;
}

/**
 * Which emissions tell of the plane at work, and which of the plane injured: what is emitted less than one SLO before the
 * first fault may still be on its way when it strikes, and belongs to the fault, the same for every plane.
 */
export function emissionWindows({ timeline, faults, plan }: RunFacts): {
  readonly measured: EmissionWindow;
  readonly faulty: EmissionWindow;
} {
  const sloUs = plan.scenario.slo.freshnessUs;
  const struckUs = Math.min(...faults.map((fault) => fault.injectedUs));
  const partedUs = Math.max(timeline.measureStartUs, Math.min(timeline.measureEndUs, struckUs - sloUs));
  return {
    measured: { fromUs: timeline.measureStartUs, untilUs: partedUs, sloUs },
    faulty: { fromUs: partedUs, untilUs: timeline.loadEndUs, sloUs },
  };
}

export function measureFreshness(run: RunFacts, panel: Panel, visibility: Visibility) {
  const { measured, faulty } = emissionWindows(run);
  const unhurt = run.plan.scenario.faults.length === 0 ? notMeasured('the scenario injects no fault') : null;
  return {
    'freshness.visibility': visibilityMeasure(panel, visibility, measured, faultNote(run, panel, visibility)),
    'freshness.slo_met': sloMeasure(panel, visibility, measured),
    'freshness.unseen': unseenMeasure(panel, visibility, measured),
    ...measureReads(run),
    'faults.visibility': unhurt ?? visibilityMeasure(panel, visibility, faulty),
    'faults.slo_met': unhurt ?? sloMeasure(panel, visibility, faulty),
  };
}

function visibilityMeasure(
  panel: Panel,
  visibility: Visibility,
  window: EmissionWindow,
  note?: string,
): MeasureOf<'samples'> {
  const samples = visibilityOf(panel, visibility, window);
  if (samples.observed.length + samples.censored.length === 0) return notMeasured('no panel change was watched');
  return { kind: 'samples', samples, ...(note === undefined ? {} : { note }) };
}

/** For a plane so late that even one SLO before the fault was not early enough. */
function faultNote(run: RunFacts, { awaited }: Panel, { visibleUs }: Visibility): string | undefined {
  const { measured } = emissionWindows(run);
  const struckUs = Math.min(...run.faults.map((fault) => fault.injectedUs));
  for (let i = 0; i < awaited.rows; i++) {
    const emitUs = awaited.emitUs[i] as number;
    if (emitUs >= measured.fromUs && emitUs < measured.untilUs && (visibleUs[i] as number) > struckUs) {
      return 'some of these changes were still awaited when the fault struck';
    }
  }
  return undefined;
}

function sloMeasure(panel: Panel, visibility: Visibility, window: EmissionWindow): MeasureOf<'ratio'> {
  const { met, seconds, undecided } = foldSloSeconds(panel.awaited, visibility, window);
  if (seconds === 0) return notMeasured('no second of emission could be judged');
  return {
    kind: 'ratio',
    numerator: met,
    denominator: seconds,
    samples: seconds,
    ...(undecided === 0 ? {} : { note: 'seconds that were not watched for as long as the SLO are left out' }),
  };
}

function unseenMeasure(
  { awaited, probes }: Panel,
  { visibleUs }: Visibility,
  window: EmissionWindow,
): MeasureOf<'count'> {
  if (probes.probes === 0) return notMeasured('the panel was never probed');
  let count = 0;
  for (let i = 0; i < awaited.rows; i++) {
    const emitUs = awaited.emitUs[i] as number;
    const inWindow = emitUs >= window.fromUs && emitUs < window.untilUs;
    if (inWindow && visibleUs[i] === Number.POSITIVE_INFINITY) count++;
  }
  return { kind: 'count', count };
}

/**
 * Of every row that was read in the measured window, at the time the read was sent (HATtrick, Milkai et al. 2022):
 * staleness is the age of the first change that the row does not reflect, 0 if it reflects all that was emitted; the
 * as-of lag is the age of the evaluation, 0 for a row evaluated while the read was under way.
 */
function measureReads({ reads, operations, timeline }: RunFacts) {
  const staleness: number[] = [];
  const asOfLag: number[] = [];
  for (let i = 0; i < reads.rows; i++) {
    const operation = reads.operation[i] as number;
    const intendedUs = operations.intendedUs[operation] as number;
    if (!(intendedUs >= timeline.measureStartUs && intendedUs < timeline.measureEndUs)) continue;
    const sentUs = operations.sentUs[operation] as number;
    staleness.push(Math.max(0, sentUs - (reads.nextEmitUs[i] as number)));
    asOfLag.push(Math.max(0, sentUs - (reads.asOfUs[i] as number)));
  }
  const measure = (values: readonly number[]): MeasureOf<'samples'> =>
    values.length === 0
      ? notMeasured('no read was answered in the measured window')
      : { kind: 'samples', samples: sortSamples(values) };
  return { 'freshness.staleness': measure(staleness), 'freshness.as_of_lag': measure(asOfLag) };
}
