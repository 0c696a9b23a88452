/**
 * Freshness, seen from outside through the plane's own door.
 *
 * Visibility: a panel change is visible from the first probe whose `lastSeq` reaches its `seq`. The instant lies between
 * the sending of the last probe that did not show it and the answer of the first that did; the later end is taken, so a
 * figure is at most one probe too high, for every plane alike. A change that no probe ever showed is right-censored at
 * the last look.
 */

import type { RunFacts } from '../record/facts.js';
import { countSamples, type Samples, sortSamples } from '../statistics/samples.js';
import { injuriesOf, witnessedInjuriesOf } from './injuries.js';
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

/** Visibility of the changes emitted in [fromUs, untilUs); those never seen are censored at the last look that was answered. */
function visibilityOf(
  { awaited }: Panel,
  { visibleUs, hiddenAtUs }: Visibility,
  window: { readonly fromUs: number; readonly untilUs: number },
): Samples {
  const observed = new Float64Array(awaited.rows);
  const censored: number[] = [];
  let count = 0;
  for (let i = 0; i < awaited.rows; i++) {
    const emitUs = awaited.emitUs[i] as number;
    if (emitUs < window.fromUs || emitUs >= window.untilUs) continue;
    if (visibleUs[i] !== Number.POSITIVE_INFINITY) observed[count++] = (visibleUs[i] as number) - emitUs;
    else censored.push(Math.max(0, (hiddenAtUs[i] as number) - emitUs));
  }
  return sortSamples(observed.subarray(0, count), censored);
}

/**
 * Visibility in the measured window. Changes emitted less than one SLO before the last look are left out, by their
 * emission time alone: most of them would be censored by nothing but the end of the watch.
 */
export function measuredVisibility(run: RunFacts, panel: Panel, visibility: Visibility): Samples {
  const { fromUs, untilUs, sloUs } = measuredEmissions(run);
  return visibilityOf(panel, visibility, { fromUs, untilUs: Math.min(untilUs, lastLookUs(panel.probes) - sloUs) });
}

/** The share of an emission second's changes that must become visible within the SLO. */
export const sloQuantile = 0.95;
const secondUs = 1_000_000;

export interface SloSeconds {
  readonly met: number;
  readonly seconds: number;
}

/**
 * Whole emission seconds of [fromUs, untilUs) in which 95 % of the panel's changes became visible within the SLO. The window
 * ends one SLO before the last look; a look that was not answered has not shown a change, for users as little as here.
 */
export function foldSloSeconds(
  awaited: AwaitedChanges,
  { visibleUs }: Pick<Visibility, 'visibleUs'>,
  window: EmissionWindow,
): SloSeconds {
  const length = Math.max(0, Math.floor((window.untilUs - window.fromUs) / secondUs));
  const changes = new Uint32Array(length);
  const fresh = new Uint32Array(length);
  for (let i = 0; i < awaited.rows; i++) {
    const emitUs = awaited.emitUs[i] as number;
    if (emitUs < window.fromUs || emitUs >= window.untilUs) continue;
    const second = Math.floor((emitUs - window.fromUs) / secondUs);
    if (second >= length) continue;
    changes[second] = (changes[second] as number) + 1;
    if ((visibleUs[i] as number) - emitUs <= window.sloUs) fresh[second] = (fresh[second] as number) + 1;
  }
  let met = 0;
  let seconds = 0;
  for (let second = 0; second < length; second++) {
    if (changes[second] === 0) continue;
    seconds++;
    if ((fresh[second] as number) >= sloQuantile * (changes[second] as number)) met++;
  }
  return { met, seconds };
}

export interface EmissionWindow {
  readonly fromUs: number;
  readonly untilUs: number;
  readonly sloUs: number;
}

/**
 * The emissions that tell of the plane at work: what is emitted less than one SLO before the first fault may still be on
 * its way when it strikes, and is left out, the same for every plane. Of a window shorter than three SLOs no more than a
 * third is given up for this; the estimate then says if it was not enough.
 */
export function measuredEmissions(run: RunFacts): EmissionWindow {
  const { timeline, plan } = run;
  const sloUs = plan.scenario.slo.freshnessUs;
  const struckUs = injuriesOf(run)[0]?.injectedUs ?? Number.POSITIVE_INFINITY;
  const marginUs = Math.min(sloUs, (timeline.measureEndUs - timeline.measureStartUs) / 3);
  const untilUs = Math.min(timeline.measureEndUs, struckUs - marginUs);
  return { fromUs: timeline.measureStartUs, untilUs, sloUs };
}

export function measureFreshness(run: RunFacts, panel: Panel, visibility: Visibility) {
  const measured = measuredEmissions(run);
  return {
    'freshness.visibility': visibilityMeasure(run, panel, visibility),
    'freshness.slo_met': sloMeasure(panel, visibility, measured),
    'freshness.unseen': unseenMeasure(panel, visibility, measured),
    ...measureReads(run),
    ...measureInjured(run, panel, visibility),
  };
}

/**
 * Of a plane injured: the visibility of what was emitted while the role was away, however short the watch after it, and
 * the SLO from the strike to the end of the load.
 */
function measureInjured(run: RunFacts, panel: Panel, visibility: Visibility) {
  const { plan, timeline } = run;
  const struck = witnessedInjuriesOf(run);
  if (struck.length === 0) {
    const absent = notMeasured(
      plan.scenario.faults.length === 0 ? 'the scenario injects no fault' : 'no fault was witnessed',
    );
    return { 'faults.visibility': absent, 'faults.slo_met': absent };
  }
  const observed: number[] = [];
  const censored: number[] = [];
  for (const { injectedUs, readyUs } of struck) {
    const untilUs = readyUs ?? lastLookUs(panel.probes);
    const away = visibilityOf(panel, visibility, { fromUs: injectedUs, untilUs });
    observed.push(...away.observed);
    censored.push(...away.censored);
  }
  const samples = sortSamples(observed, censored);
  const away: MeasureOf<'samples'> =
    countSamples(samples) === 0
      ? notMeasured('no panel change was emitted while the role was away')
      : { kind: 'samples', samples };
  const fromUs = Math.min(...struck.map(({ injectedUs }) => injectedUs));
  const untilUs = timeline.loadEndUs;
  return {
    'faults.visibility': away,
    'faults.slo_met': sloMeasure(panel, visibility, { fromUs, untilUs, sloUs: plan.scenario.slo.freshnessUs }),
  };
}

function visibilityMeasure(run: RunFacts, panel: Panel, visibility: Visibility): MeasureOf<'samples'> {
  const samples = measuredVisibility(run, panel, visibility);
  if (countSamples(samples) === 0) return notMeasured('no panel change was watched');
  const note = faultNote(run, panel, visibility);
  return { kind: 'samples', samples, ...(note === undefined ? {} : { note }) };
}

/** For a plane so late that even this was not early enough. */
function faultNote(run: RunFacts, { awaited }: Panel, { visibleUs }: Visibility): string | undefined {
  const measured = measuredEmissions(run);
  const struckUs = injuriesOf(run)[0]?.injectedUs ?? Number.POSITIVE_INFINITY;
  for (let i = 0; i < awaited.rows; i++) {
    const emitUs = awaited.emitUs[i] as number;
    if (emitUs >= measured.fromUs && emitUs < measured.untilUs && (visibleUs[i] as number) > struckUs) {
      return 'some of these changes were still awaited when the fault struck';
    }
  }
  return undefined;
}

/**
 * Seconds of which the watch ended before the SLO was over are left out by their emission time alone: of those one could
 * only see that they met it, never that they missed it.
 */
function sloMeasure(panel: Panel, visibility: Visibility, window: EmissionWindow): MeasureOf<'ratio'> {
  const watchedUntilUs = lastLookUs(panel.probes) - window.sloUs;
  const watched = { ...window, untilUs: Math.min(window.untilUs, watchedUntilUs) };
  if (panel.probes.answered.every((answered) => answered === 0)) return notMeasured('no probe was answered');
  const { met, seconds } = foldSloSeconds(panel.awaited, visibility, watched);
  if (seconds === 0) return notMeasured('no second of emission was watched for as long as the SLO');
  return {
    kind: 'ratio',
    numerator: met,
    denominator: seconds,
    samples: seconds,
    ...(watchedUntilUs >= window.untilUs
      ? {}
      : { note: 'seconds that were not watched for as long as the SLO are left out' }),
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
