/**
 * How long a fault hurts, on several clocks that all start at the injection and are read from outside:
 *
 * - the first failure seen: an error or time-out of a call or probe, or a probe that finds the SLO broken;
 * - the role ready again, as the supervisor saw it;
 * - the first success: a probe that shows a change emitted after the fault was witnessed, so that the whole path from
 *   the change log to the reader has worked once (which alone would under-report a plane that flaps);
 * - the SLO regained and held;
 * - the return of the panel's staleness to its band of before the fault, and of the backlog to its own.
 *
 * At a probe the SLO stands if at least 95 % of the panel changes that are due (emitted in the second that ended one SLO
 * ago) are visible; it says nothing while none is due. Regained and held: the first such probe from which on every
 * probe of the hold time agrees. A band is what 95 % of the probes from the start of the measured window to the fault
 * lay within; a plane is back at the first probe inside from which on 90 % of the hold time's probes are inside, since
 * 5 % were outside when nothing was wrong.
 *
 * Every time is that of the answer of the probe that showed it, hence up to one probe period too long; what had not
 * happened at the last probe is right-censored there.
 *
 * MTTR is the time to the SLO regained and held if the fault broke the SLO, the return to the band if it did not.
 */
import { outcomes, type RunFacts } from '../record/facts.js';
import { quantileOf, type Samples, sortSamples } from '../statistics/samples.js';
import { foldBacklog } from './backlog.js';
import { sloQuantile, type Visibility } from './freshness.js';
import { type WitnessedInjury, witnessedInjuriesOf } from './injuries.js';
import { type MeasureOf, notMeasured, notOffered } from './measured.js';
import { firstHidden, lastLookUs, type Panel } from './panel.js';

/** A time since the injection. */
export type Elapsed =
  | { readonly kind: 'after'; readonly us: number }
  /** It had not happened when the harness stopped looking. */
  | { readonly kind: 'not within'; readonly us: number };

export interface Recovery {
  /** Null: no failure was seen. */
  readonly firstFailure: Elapsed | null;
  readonly roleReady: Elapsed;
  readonly firstSuccess: Elapsed;
  /**
   * `not held before`: the plane missed the SLO without a fault, so none can be blamed for it. `undecided`: the last look
   * came before what the fault held up was due, and the plane was not back by then.
   */
  readonly slo: 'lost' | 'kept' | 'not held before' | 'undecided';
  /** Null unless the SLO was lost. */
  readonly sloRegained: Elapsed | null;
  /** Null where there is no band: nothing was seen before the fault. */
  readonly backInBand: Elapsed | null;
  readonly backlogDrained: Elapsed | null;
  readonly repair: Elapsed | null;
}

/** What every probe says of the state of the plane, in the order of answers. */
interface States {
  readonly sentUs: Float64Array;
  readonly doneUs: Float64Array;
  /** 1 stands, 0 broken, -1 nothing was due. */
  readonly slo: Int8Array;
  /** 95th percentile over the panel's members of the age of the first change not shown; Infinity where unanswered. */
  readonly stalenessUs: Float64Array;
  /** Infinity where unanswered. */
  readonly backlog: Float64Array;
}

function foldRecovery(run: RunFacts, panel: Panel, visibility: Visibility): Recovery[] {
  const struck = witnessedInjuriesOf(run);
  if (struck.length === 0 || panel.probes.probes === 0) return [];
  const states = foldStates(run, panel);
  return struck.map((fault, i) => {
    const untilUs = struck[i + 1]?.injectedUs ?? lastLookUs(panel.probes);
    return recoveryOf(run, { fault, untilUs, states, panel, visibility });
  });
}

function foldStates(run: RunFacts, { probes, awaited }: Panel): States {
  const { freshnessUs } = run.plan.scenario.slo;
  const backlogAt = new Map<number, number>();
  const series = foldBacklog(run, probes);
  series.atUs.forEach((atUs, row) => {
    backlogAt.set(atUs, series.changes[row] as number);
  });
  const slo = new Int8Array(probes.probes);
  const stalenessUs = new Float64Array(probes.probes).fill(Number.POSITIVE_INFINITY);
  const backlog = new Float64Array(probes.probes).fill(Number.POSITIVE_INFINITY);
  const ages = new Float64Array(probes.members);
  for (let probe = 0; probe < probes.probes; probe++) {
    const sentUs = probes.sentUs[probe] as number;
    slo[probe] = sloState(probe, { fromUs: sentUs - freshnessUs - dueSpanUs, untilUs: sentUs - freshnessUs });
    if (probes.answered[probe] === 0) continue;
    for (let member = 0; member < probes.members; member++) {
      const hidden = firstHidden(awaited, member, probes.lastSeq[probe * probes.members + member] as number);
      const earliestUs =
        hidden < (awaited.firstOf[member + 1] as number)
          ? (awaited.earliestFromUs[hidden] as number)
          : Number.POSITIVE_INFINITY;
      ages[member] = Math.max(0, sentUs - earliestUs);
    }
    stalenessUs[probe] = quantileOf(sortSamples(ages), bandQuantile);
    backlog[probe] = backlogAt.get(sentUs) ?? Number.POSITIVE_INFINITY;
  }
  return { sentUs: probes.sentUs, doneUs: probes.doneUs, slo, stalenessUs, backlog };

  function sloState(probe: number, due: { fromUs: number; untilUs: number }): number {
    let count = 0;
    let visible = 0;
    for (let at = firstEmittedAfter(due.fromUs); at < awaited.rows; at++) {
      const change = awaited.byEmission[at] as number;
      if ((awaited.emitUs[change] as number) > due.untilUs) break;
      count++;
      const lastSeq = probes.lastSeq[probe * probes.members + (awaited.member[change] as number)] as number;
      if (lastSeq >= (awaited.seq[change] as number)) visible++;
    }
    if (count === 0) return -1;
    return visible >= sloQuantile * count ? 1 : 0;
  }

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

/** Changes are due in spans of a second, as the SLO is judged by seconds of emission. */
const dueSpanUs = 1_000_000;
const bandQuantile = 0.95;
const backQuantile = 0.9;
/** The least share of probes at which the SLO must have stood before a fault can be blamed for its loss. */
const heldBefore = 0.95;

interface Injury {
  readonly fault: WitnessedInjury;
  /** The next fault, or the last look. */
  readonly untilUs: number;
  readonly states: States;
  readonly panel: Panel;
  readonly visibility: Visibility;
}

function recoveryOf(run: RunFacts, injury: Injury): Recovery {
  const { fault, untilUs, states } = injury;
  const { slo } = run.plan.scenario;
  const { injectedUs } = fault;
  const before = probesWithin(states, run.timeline.measureStartUs, injectedUs);
  const after = probesWithin(states, injectedUs, untilUs);
  const readyUs = fault.readyUs ?? untilUs;
  const notWithin: Elapsed = { kind: 'not within', us: untilUs - injectedUs };
  const since = (us: number): Elapsed => ({ kind: 'after', us: us - injectedUs });

  const known = before.filter((probe) => states.slo[probe] !== -1);
  const stood = known.filter((probe) => states.slo[probe] === 1).length;
  const wasHeld = known.length > 0 && stood >= heldBefore * known.length;
  // What the fault held up is due at the latest one SLO after the role is back; later misses have other reasons.
  const blamedUntilUs = readyUs + slo.freshnessUs;
  const lost = wasHeld
    ? after.find((probe) => states.slo[probe] === 0 && (states.doneUs[probe] as number) <= blamedUntilUs)
    : undefined;
  const sloRegained =
    lost === undefined ? null : regained(states, { after, lost, holdUs: slo.holdUs, injectedUs, untilUs });
  const band = { before, after, holdUs: slo.holdUs, injectedUs, untilUs, readyUs, blamedUntilUs };
  const backInBand = returnToBand(states.doneUs, states.stalenessUs, band);
  const backlogDrained = returnToBand(states.doneUs, states.backlog, band);
  const sawItAll = untilUs >= blamedUntilUs || backInBand?.kind === 'after';
  return {
    firstFailure: firstFailure(run, injury, after, wasHeld),
    roleReady: fault.readyUs === null ? notWithin : since(fault.readyUs),
    firstSuccess: firstSuccess(injury),
    slo: !wasHeld ? 'not held before' : lost !== undefined ? 'lost' : sawItAll ? 'kept' : 'undecided',
    sloRegained,
    backInBand,
    backlogDrained,
    repair: sloRegained ?? backInBand,
  };
}

function probesWithin({ doneUs }: States, fromUs: number, untilUs: number): number[] {
  return [...doneUs.keys()].filter(
    (probe) => (doneUs[probe] as number) > fromUs && (doneUs[probe] as number) <= untilUs,
  );
}

function firstFailure(
  run: RunFacts,
  { fault, untilUs, states, panel }: Injury,
  after: readonly number[],
  wasHeld: boolean,
): Elapsed | null {
  const { operations } = run;
  const ok = outcomes.indexOf('ok');
  let firstUs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < operations.rows; i++) {
    const ended = operations.doneUs[i] as number;
    if (operations.outcome[i] !== ok && ended > fault.injectedUs) firstUs = Math.min(firstUs, ended);
  }
  for (const probe of after) {
    const failed = panel.probes.answered[probe] === 0 || (wasHeld && states.slo[probe] === 0);
    if (failed) firstUs = Math.min(firstUs, states.doneUs[probe] as number);
  }
  return firstUs <= untilUs ? { kind: 'after', us: firstUs - fault.injectedUs } : null;
}

function firstSuccess({ fault, untilUs, panel: { awaited }, visibility }: Injury): Elapsed {
  const goneUs = fault.witnessedUs;
  let firstUs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < awaited.rows; i++) {
    if ((awaited.emitUs[i] as number) > goneUs) firstUs = Math.min(firstUs, visibility.visibleUs[i] as number);
  }
  if (firstUs > untilUs) return { kind: 'not within', us: untilUs - fault.injectedUs };
  return { kind: 'after', us: firstUs - fault.injectedUs };
}

/** The first probe after the loss at which the SLO stands and then stands for the hold time. */
function regained(
  { doneUs, slo }: States,
  span: {
    readonly after: readonly number[];
    readonly lost: number;
    readonly holdUs: number;
    readonly injectedUs: number;
    readonly untilUs: number;
  },
): Elapsed {
  let standingSinceUs: number | null = null;
  for (const probe of span.after) {
    if (probe < span.lost || slo[probe] === -1) continue;
    const nowUs = doneUs[probe] as number;
    if (slo[probe] === 0) standingSinceUs = null;
    else {
      standingSinceUs ??= nowUs;
      if (nowUs - standingSinceUs >= span.holdUs) return { kind: 'after', us: standingSinceUs - span.injectedUs };
    }
  }
  // Standing at the end, but not seen to hold: it was regained then or later.
  return { kind: 'not within', us: (standingSinceUs ?? span.untilUs) - span.injectedUs };
}

/** Zero for a plane that the fault never pushed out of its band; null where there is no band. */
function returnToBand(
  doneUs: Float64Array,
  values: Float64Array,
  span: {
    readonly before: readonly number[];
    readonly after: readonly number[];
    readonly holdUs: number;
    readonly injectedUs: number;
    readonly untilUs: number;
    readonly readyUs: number;
    readonly blamedUntilUs: number;
  },
): Elapsed | null {
  if (span.before.length === 0 || span.after.length === 0) return null;
  const edge = quantileOf(sortSamples(span.before.map((probe) => values[probe] as number)), bandQuantile);
  // Too few probes were answered to know how it was before: nothing would be outside such a band.
  if (edge === Number.POSITIVE_INFINITY) return null;
  const at = (i: number) => doneUs[span.after[i] as number] as number;
  const isInside = (i: number) => (values[span.after[i] as number] as number) <= edge;
  /** From this probe on, inside for 90 % of the hold time; null: not watched for so long. */
  const holds = (from: number): boolean | null => {
    let inside = 0;
    let all = 0;
    for (let i = from; i < span.after.length; i++) {
      all++;
      if (isInside(i)) inside++;
      if (at(i) >= at(from) + span.holdUs) return inside >= backQuantile * all;
    }
    return null;
  };

  let left = 0;
  while (left < span.after.length && (isInside(left) || holds(left) !== false)) left++;
  if (left === span.after.length || at(left) > span.blamedUntilUs) {
    return span.untilUs >= span.readyUs + span.holdUs ? { kind: 'after', us: 0 } : { kind: 'not within', us: 0 };
  }
  for (let i = left + 1; i < span.after.length; i++) {
    if (!isInside(i)) continue;
    const held = holds(i);
    if (held === true) return { kind: 'after', us: at(i) - span.injectedUs };
    if (held === null) return { kind: 'not within', us: at(i) - span.injectedUs };
  }
  return { kind: 'not within', us: span.untilUs - span.injectedUs };
}

export function measureRecovery(run: RunFacts, panel: Panel, visibility: Visibility) {
  const recoveries = foldRecovery(run, panel, visibility);
  const absent = whyAbsent(run, panel);
  const times = (pick: (recovery: Recovery) => Elapsed | null, none: string, note?: string): MeasureOf<'samples'> => {
    if (recoveries.length === 0) return absent;
    const elapsed = recoveries.map(pick).filter((time): time is Elapsed => time !== null);
    if (elapsed.length === 0) return notMeasured(none);
    return { kind: 'samples', samples: samplesOf(elapsed), ...(note === undefined ? {} : { note }) };
  };
  const judged = recoveries.filter(({ slo }) => slo === 'lost' || slo === 'kept');
  const lost = recoveries.filter(({ slo }) => slo === 'lost').length;
  const undecided = recoveries.filter(({ slo }) => slo === 'undecided').length;
  const kept = judged.length - lost;
  const noBand = 'nothing was seen before the fault to compare with';
  const basis =
    lost === recoveries.length
      ? 'time to the SLO regained and held'
      : lost === 0
        ? `the SLO was not ${kept === recoveries.length ? '' : 'seen to be '}lost: time to the return to the staleness of before`
        : 'time to the SLO regained and held where it was lost, to the staleness of before elsewhere';
  const slo: MeasureOf<'trials'> =
    recoveries.length === 0
      ? absent
      : judged.length + undecided === 0
        ? notMeasured('the SLO was not held before the fault')
        : {
            kind: 'trials',
            successes: lost,
            trials: judged.length,
            // A plane that is back soon is seen to have kept it, however short the watch: leaving the others out would
            // leave out those that were slow.
            ...(undecided === 0 ? {} : { undecided }),
          };
  return {
    'faults.mttr': times(({ repair }) => repair, noBand, basis),
    'faults.slo_lost': slo,
    'faults.first_failure': times(({ firstFailure }) => firstFailure, 'no failure was seen'),
    'faults.role_ready': times(({ roleReady }) => roleReady, ''),
    'faults.first_success': times(({ firstSuccess }) => firstSuccess, ''),
    'faults.slo_regained': times(({ sloRegained }) => sloRegained, 'the SLO was not lost'),
    'faults.back_in_band': times(({ backInBand }) => backInBand, noBand),
    'faults.backlog_drained': times(({ backlogDrained }) => backlogDrained, noBand),
  };
}

function whyAbsent(run: RunFacts, { probes }: Panel) {
  if (run.plan.scenario.faults.length === 0) return notMeasured('the scenario injects no fault');
  const refused = run.faults.find(({ notApplicable }) => notApplicable !== null);
  if (refused) return notOffered(refused.notApplicable as string);
  if (probes.probes === 0) return notMeasured('the panel was never probed');
  return notMeasured('no fault was witnessed');
}

function samplesOf(times: readonly Elapsed[]): Samples {
  const of = (kind: Elapsed['kind']) => times.filter((time) => time.kind === kind).map(({ us }) => us);
  return sortSamples(of('after'), of('not within'));
}
