/**
 * Whether the SLOs stood, look by look, and what an injury did to them.
 *
 * - availability: of the calls due in a second the agreed share succeeded;
 * - latency: 95 % of the predictions due in a second were answered in time, one that failed was not;
 * - freshness: at a probe, 95 % of the panel changes that are due (emitted in the second that ended one SLO ago) are
 *   visible; it says nothing while none is due.
 *
 * A second of calls in which the reader itself was late (late-seconds.ts) is not judged, neither good nor bad, unless the SLO
 * was missed by calls that it had sent in time and cannot have delayed so much.
 *
 * Seconds are counted from the injection, forward and back. An SLO is regained at the first look that stands and from
 * which on every look of the hold time does; what is not judged is no part of that time. A look's own time is the later end of the interval in which the change must
 * have come: figures are up to one probe period (freshness) or one second (calls) too long, and claim no more.
 */
import { secondUs } from '../../workloads/durations.js';
import { operationKinds, outcomes, type RunFacts } from '../record/facts.js';
import type { Elapsed } from './elapsed.js';
import { sloQuantile } from './freshness.js';
import { foldLateness, lateUs, mostUnjudged } from './late-seconds.js';
import type { Panel } from './panel.js';

export const sloNames = ['availability', 'latency', 'freshness'] as const;
export type SloName = (typeof sloNames)[number];

/** In order of time; a look that can tell nothing is none. */
export interface Look {
  /** From when on what it tells holds. */
  readonly sinceUs: number;
  /** When it could be known. */
  readonly atUs: number;
  /** Null: calls that were late and still under way could have decided it either way. */
  readonly stands: boolean | null | 'not judged';
}

const isDecided = ({ stands }: Look) => typeof stands === 'boolean';
export const isUnjudged = ({ stands }: Look) => stands === 'not judged';

export function lastDecided(looks: readonly Look[]): Look | undefined {
  return looks.findLast(isDecided);
}

/** Every probe that was due to show something. */
export function lookAtFreshness(run: RunFacts, { probes, awaited }: Panel): Look[] {
  const { freshnessUs } = run.plan.scenario.slo;
  const looks: Look[] = [];
  for (let probe = 0; probe < probes.probes; probe++) {
    const dueUs = (probes.sentUs[probe] as number) - freshnessUs;
    const doneUs = probes.doneUs[probe] as number;
    let due = 0;
    let visible = 0;
    for (let at = firstEmittedAfter(dueUs - secondUs); at < awaited.rows; at++) {
      const change = awaited.byEmission[at] as number;
      if ((awaited.emitUs[change] as number) > dueUs) break;
      due++;
      const lastSeq = probes.lastSeq[probe * probes.members + (awaited.member[change] as number)] as number;
      if (lastSeq >= (awaited.seq[change] as number)) visible++;
    }
    if (due > 0) looks.push({ sinceUs: doneUs, atUs: doneUs, stands: visible >= sloQuantile * due });
  }
  return looks;

  function firstEmittedAfter(us: number): number {
    let low = 0;
    let high = awaited.rows;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((awaited.emitUs[awaited.byEmission[middle] as number] as number) <= us) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * The whole seconds of [fromUs, untilUs), counted from `zeroUs`. A call that was still under way at `untilUs` met what
 * came next, so its outcome tells nothing. One that was not late yet is left out. One that was late by the bound on latency
 * has missed that, and could yet succeed or fail: left out it would pass for good, and an outage in which some calls time
 * out would end in the last seconds of every watch.
 */
export function lookAtCalls(
  run: RunFacts,
  name: 'availability' | 'latency',
  { zeroUs, fromUs, untilUs }: { readonly zeroUs: number; readonly fromUs: number; readonly untilUs: number },
): Look[] {
  const { operations } = run;
  const { slo, workload } = run.plan.scenario;
  const { timeoutUs } = workload.reads;
  const needed = name === 'availability' ? slo.availability : sloQuantile;
  const ok = outcomes.indexOf('ok');
  const predict = operationKinds.indexOf('predict');
  const first = Math.ceil((fromUs - zeroUs) / secondUs);
  const seconds = Math.max(0, Math.floor((untilUs - zeroUs) / secondUs) - first);
  const due = new Uint32Array(seconds);
  const lateness = foldLateness(run, { fromUs: zeroUs + first * secondUs, seconds });
  const missed = new Uint32Array(seconds);
  const good = new Uint32Array(seconds);
  const open = new Uint32Array(seconds);
  for (let i = 0; i < operations.rows; i++) {
    if (name === 'latency' && operations.kind[i] !== predict) continue;
    const intendedUs = operations.intendedUs[i] as number;
    const doneUs = operations.doneUs[i] as number;
    const second = Math.floor((intendedUs - zeroUs) / secondUs) - first;
    if (second < 0 || second >= seconds) continue;
    const isOpen = doneUs > untilUs;
    const isLate = Math.min(doneUs, untilUs) - intendedUs > slo.latencyUs;
    if (isOpen && !isLate) continue;
    due[second] = (due[second] as number) + 1;
    if (lateness.isLate(second) && missedAnyway(i, second)) missed[second] = (missed[second] as number) + 1;
    if (isLate && name === 'latency') continue;
    if (isOpen) open[second] = (open[second] as number) + 1;
    else if (operations.outcome[i] === ok) good[second] = (good[second] as number) + 1;
  }
  return [...due.keys()]
    .filter((second) => (due[second] as number) > 0)
    .map((second) => ({
      sinceUs: zeroUs + (first + second) * secondUs,
      atUs: zeroUs + (first + second + 1) * secondUs,
      stands: standing(second),
    }));

  /** A call that was sent in time, and missed the SLO by more than the reader can have kept its answer waiting. */
  function missedAnyway(i: number, second: number): boolean {
    const intendedUs = operations.intendedUs[i] as number;
    const sentUs = operations.sentUs[i] as number;
    const doneUs = operations.doneUs[i] as number;
    if (sentUs - intendedUs > lateUs || doneUs > untilUs) return false;
    const outcome = outcomes[operations.outcome[i] as number];
    if (outcome === 'error') return true;
    // One whose time was over while the reader stood still may have been answered.
    if (outcome === 'timeout') return doneUs - sentUs <= timeoutUs + lateUs;
    if (name === 'availability') return false;
    const untilSecond = Math.floor((doneUs - zeroUs) / secondUs) - first;
    return doneUs - intendedUs > slo.latencyUs + lateness.worstUs(second, untilSecond);
  }

  function standing(second: number): Look['stands'] {
    const least = needed * (due[second] as number);
    if (lateness.isLate(second))
      return (due[second] as number) - (missed[second] as number) < least ? false : 'not judged';
    if ((good[second] as number) >= least) return true;
    return (good[second] as number) + (open[second] as number) >= least ? null : false;
  }
}

/**
 * `not held before`: the plane missed the SLO without this fault, so it cannot be blamed for it. `undecided`: the watch
 * ended before the loss could show. `not judged`: the reader was late in too much of the watch, or when alone the SLO could
 * have been lost. `not asked`: nothing was looked at.
 */
export type SloFate =
  | { readonly fate: 'lost'; readonly seenUs: number; readonly regained: Elapsed }
  | { readonly fate: 'kept' | 'not held before' | 'undecided' | 'not judged' | 'not asked' };

/** The least share of looks at which an SLO must have stood before a fault can be blamed for its loss. */
const heldBefore = 0.95;

export function fateOf(injury: {
  /** From the start of the measured window to the first injury of the run. */
  readonly before: readonly Look[];
  /** The last before this injury that was decided. */
  readonly last: Look | undefined;
  readonly after: readonly Look[];
  readonly injectedUs: number;
  readonly untilUs: number;
  /** What is missed later has other reasons. */
  readonly blamedUntilUs: number;
  /** Whether a loss would have shown by now. */
  readonly sawItAll: boolean;
  readonly holdUs: number;
}): SloFate {
  const { last, after, injectedUs, untilUs, blamedUntilUs, sawItAll, holdUs } = injury;
  const before = injury.before.filter(isDecided);
  if (before.length === 0 && injury.before.some(isUnjudged)) return { fate: 'not judged' };
  if (before.length + after.length === 0) return { fate: 'not asked' };
  const stood = before.filter(({ stands }) => stands).length;
  if (before.length === 0 || stood < heldBefore * before.length || !last?.stands) return { fate: 'not held before' };
  if (after.filter(isUnjudged).length > mostUnjudged * after.length) return { fate: 'not judged' };
  const blamed = ({ sinceUs }: Look) => sinceUs <= blamedUntilUs;
  const lost = after.findIndex((look) => look.stands === false && blamed(look));
  if (lost === -1) {
    if (after.some((look) => isUnjudged(look) && blamed(look))) return { fate: 'not judged' };
    const couldBeLost = after.some((look) => look.stands === null && blamed(look));
    return { fate: sawItAll && after.length > 0 && !couldBeLost ? 'kept' : 'undecided' };
  }
  const seenUs = (after[lost] as Look).atUs;
  return { fate: 'lost', seenUs, regained: regained(after.slice(lost), { injectedUs, untilUs, holdUs }) };
}

function regained(
  looks: readonly Look[],
  { injectedUs, untilUs, holdUs }: { readonly injectedUs: number; readonly untilUs: number; readonly holdUs: number },
): Elapsed {
  let standingSinceUs: number | null = null;
  let unjudgedUs = 0;
  let isCertain = true;
  for (const { sinceUs, atUs, stands } of looks) {
    if (stands === 'not judged') {
      unjudgedUs += atUs - sinceUs;
      continue;
    }
    if (stands === false) {
      standingSinceUs = null;
      isCertain = true;
      continue;
    }
    if (standingSinceUs === null) {
      standingSinceUs = sinceUs;
      unjudgedUs = 0;
    }
    if (stands === null) isCertain = false;
    const heldUs = atUs - standingSinceUs - unjudgedUs;
    if (isCertain && heldUs >= holdUs) return { kind: 'after', us: standingSinceUs - injectedUs };
  }
  // Standing at the end or perhaps, but not seen to hold: it was regained then or later.
  return { kind: 'not within', us: (standingSinceUs ?? untilUs) - injectedUs };
}
