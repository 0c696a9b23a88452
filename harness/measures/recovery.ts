/**
 * How long a fault hurts, on several clocks that all start at the injection and are read from outside:
 *
 * - the first failure seen: an error or time-out of a call or probe, or a look at which an SLO is broken;
 * - what was struck in service again, as the harness saw it;
 * - the first success: a probe that shows a change emitted after the fault was witnessed, so that the whole path from
 *   the change log to the reader has worked once (which alone would under-report a plane that flaps);
 * - each SLO regained and held, and all that were lost;
 * - the return of the panel's staleness to its band of before the first fault, and of the backlog to its own.
 *
 * An injury is watched until the next begins, the last until the last probe; what had not happened by then is
 * right-censored there. MTTR is the time until all SLOs that were lost are regained and held, or, where none was lost, to
 * the return to the band; to both of them where the watch ended before the loss of another SLO could show; where an SLO could
 * not be judged there is none.
 */
import { secondUs } from '../../workloads/durations.js';
import { outcomes, type RunFacts } from '../record/facts.js';
import { backlogSeries, type ProbeSeries, returnToBand, stalenessSeries } from './band.js';
import { type Elapsed, latestOf, samplesOf } from './elapsed.js';
import type { Visibility } from './freshness.js';
import { injuriesOf, type WitnessedInjury, witnessedInjuriesOf } from './injuries.js';
import { type MeasureOf, notMeasured, notOffered } from './measured.js';
import { lastLookUs, type Panel } from './panel.js';
import {
  fateOf,
  isUnjudged,
  type Look,
  lastDecided,
  lookAtCalls,
  lookAtFreshness,
  type SloFate,
  type SloName,
  sloNames,
} from './slos.js';

export const clocks = [
  'first_failure',
  'role_ready',
  'first_success',
  'slo_regained',
  'back_in_band',
  'backlog_drained',
  'mttr',
] as const;
export type Clock = (typeof clocks)[number];

export interface Recovery {
  readonly injury: WitnessedInjury;
  /** The whole seconds in which calls were due, and those of them that could not be judged for an SLO of calls. */
  readonly watched: { readonly seconds: number; readonly unjudged: number };
  readonly slos: Readonly<Record<SloName, SloFate>>;
  /** Null: no failure was seen, no SLO was lost, one was not judged, nothing was seen before the fault to compare with. */
  readonly clocks: Readonly<Record<Clock, Elapsed | null>>;
}

/** Everything that is the same for all injuries of a run. */
interface Watch {
  readonly run: RunFacts;
  readonly panel: Panel;
  readonly visibility: Visibility;
  readonly freshness: readonly Look[];
  readonly staleness: ProbeSeries;
  readonly backlog: ProbeSeries;
  readonly firstInjectedUs: number;
  readonly lastLookUs: number;
}

export function foldRecovery(run: RunFacts, panel: Panel, visibility: Visibility): Recovery[] {
  const [first] = injuriesOf(run);
  if (first === undefined || panel.probes.probes === 0) return [];
  const watch: Watch = {
    run,
    panel,
    visibility,
    freshness: lookAtFreshness(run, panel),
    staleness: stalenessSeries(run, panel),
    backlog: backlogSeries(run, panel),
    firstInjectedUs: first.injectedUs,
    lastLookUs: lastLookUs(panel.probes),
  };
  const recoveries: Recovery[] = [];
  for (const injury of witnessedInjuriesOf(run)) recoveries.push(recoveryOf(watch, injury, recoveries.at(-1)));
  return recoveries;
}

function recoveryOf(watch: Watch, injury: WitnessedInjury, previous: Recovery | undefined): Recovery {
  const { slo } = watch.run.plan.scenario;
  const { injectedUs } = injury;
  const untilUs = injury.nextUs ?? watch.lastLookUs;
  const readyUs = injury.readyUs ?? untilUs;
  const since = (us: number): Elapsed => ({ kind: 'after', us: us - injectedUs });
  const notWithin: Elapsed = { kind: 'not within', us: untilUs - injectedUs };
  const beforeUs = [watch.run.timeline.measureStartUs, watch.firstInjectedUs] as const;
  const { holdUs, freshnessUs } = slo;
  // What the fault held up is due at the latest one SLO after what was struck is in service again.
  const dueUs = readyUs + freshnessUs;
  const span = { beforeUs, injectedUs, untilUs, readyUs, blamedUntilUs: dueUs, holdUs };
  const backInBand = returnToBand(watch.staleness, span);
  // A plane that is still not what it was has the fault to thank for what it misses.
  const sufferedUntilUs = backInBand?.kind === 'not within' ? untilUs : injectedUs + (backInBand?.us ?? 0);

  const probed = (fromUs: number, toUs: number) => watch.freshness.filter(({ atUs }) => atUs > fromUs && atUs <= toUs);
  // Of what is late now, a plane that was not back when it was struck again may owe a part to the injury before.
  const wasBack = previous?.clocks.back_in_band?.kind !== 'not within';
  const freshness = fateOf({
    before: probed(...beforeUs),
    last: wasBack ? probed(beforeUs[0], injectedUs).at(-1) : undefined,
    after: probed(injectedUs, untilUs),
    injectedUs,
    untilUs,
    holdUs,
    blamedUntilUs: Math.max(dueUs, sufferedUntilUs),
    sawItAll: untilUs >= dueUs || backInBand?.kind === 'after',
  });
  const lookAt = (name: 'availability' | 'latency', fromUs: number, toUs: number) =>
    lookAtCalls(watch.run, name, { zeroUs: injectedUs, fromUs, untilUs: toUs });
  const after = {
    availability: lookAt('availability', injectedUs, untilUs),
    latency: lookAt('latency', injectedUs, untilUs),
  };
  /** Of calls whole seconds are looked at. */
  const lookedUntilUs = untilUs - ((untilUs - injectedUs) % secondUs);
  const called = (name: 'availability' | 'latency'): SloFate => {
    // A call waits for nothing that came before it: after the hold time a plane in service has no excuse left.
    const blamedUntilUs = readyUs + holdUs;
    return fateOf({
      before: lookAt(name, beforeUs[0], watch.firstInjectedUs),
      last: lastDecided(lookAt(name, beforeUs[0], injectedUs)),
      after: after[name],
      injectedUs,
      untilUs,
      holdUs,
      blamedUntilUs,
      sawItAll: lookedUntilUs >= blamedUntilUs,
    });
  };
  const slos = { availability: called('availability'), latency: called('latency'), freshness };
  const lost = Object.values(slos).filter((fate) => fate.fate === 'lost');
  const isJudged = !isUnjudgedRecovery({ slos });
  // One that was not judged may have been lost, and for longer than the others.
  const sloRegained = isJudged ? latestOf(lost.map(({ regained }) => regained)) : null;
  // One that could still show its loss when the watch ended holds up the end of all of it.
  const isOpen = Object.values(slos).some(({ fate }) => fate === 'undecided');
  const recovered = sloRegained && isOpen ? latestOf([sloRegained, backInBand ?? notWithin]) : sloRegained;
  const looks = [...after.availability, ...after.latency];
  const secondsOf = (some: readonly Look[]) => new Set(some.map(({ sinceUs }) => sinceUs)).size;
  return {
    injury,
    watched: { seconds: secondsOf(looks), unjudged: secondsOf(looks.filter(isUnjudged)) },
    slos,
    clocks: {
      first_failure: firstFailure(watch, {
        injectedUs,
        untilUs,
        brokenUs: lost.map(({ seenUs }) => seenUs),
      }),
      role_ready: injury.readyUs === null ? notWithin : since(injury.readyUs),
      first_success: firstSuccess(watch, injury, untilUs),
      slo_regained: sloRegained,
      back_in_band: backInBand,
      backlog_drained: returnToBand(watch.backlog, span),
      mttr: isJudged ? (recovered ?? backInBand) : null,
    },
  };
}

function firstFailure(
  { run: { operations }, panel: { probes } }: Watch,
  span: { readonly injectedUs: number; readonly untilUs: number; readonly brokenUs: readonly number[] },
): Elapsed | null {
  const ok = outcomes.indexOf('ok');
  let firstUs = Math.min(...span.brokenUs);
  for (let i = 0; i < operations.rows; i++) {
    const endedUs = operations.doneUs[i] as number;
    if (operations.outcome[i] !== ok && endedUs > span.injectedUs) firstUs = Math.min(firstUs, endedUs);
  }
  for (let probe = 0; probe < probes.probes; probe++) {
    const doneUs = probes.doneUs[probe] as number;
    if (probes.answered[probe] === 0 && doneUs > span.injectedUs) firstUs = Math.min(firstUs, doneUs);
  }
  return firstUs <= span.untilUs ? { kind: 'after', us: firstUs - span.injectedUs } : null;
}

function firstSuccess(
  { panel: { awaited }, visibility }: Watch,
  { injectedUs, witnessedUs }: WitnessedInjury,
  untilUs: number,
): Elapsed {
  let firstUs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < awaited.rows; i++) {
    if ((awaited.emitUs[i] as number) > witnessedUs) firstUs = Math.min(firstUs, visibility.visibleUs[i] as number);
  }
  if (firstUs > untilUs) return { kind: 'not within', us: untilUs - injectedUs };
  return { kind: 'after', us: firstUs - injectedUs };
}

export function measureRecovery(run: RunFacts, panel: Panel, recoveries: readonly Recovery[]) {
  const absent = whyAbsent(run, panel);
  const clock = (name: Clock) => (recoveries.length === 0 ? absent : timeOn(name, recoveries));
  const lost = (name: SloName) =>
    recoveries.length === 0
      ? absent
      : lossOf(
          recoveries.map(({ slos }) => slos[name]),
          [name],
        );
  const regained = (name: SloName) => (recoveries.length === 0 ? absent : timeRegained(name, recoveries));
  return {
    'faults.mttr': clock('mttr'),
    'faults.slo_lost': recoveries.length === 0 ? absent : lossOf(recoveries.map(worstFate), notHeld(recoveries)),
    'faults.availability_lost': lost('availability'),
    'faults.latency_lost': lost('latency'),
    'faults.freshness_lost': lost('freshness'),
    'faults.first_failure': clock('first_failure'),
    'faults.role_ready': clock('role_ready'),
    'faults.first_success': clock('first_success'),
    'faults.slo_regained': clock('slo_regained'),
    'faults.availability_regained': regained('availability'),
    'faults.latency_regained': regained('latency'),
    'faults.freshness_regained': regained('freshness'),
    'faults.back_in_band': clock('back_in_band'),
    'faults.backlog_drained': clock('backlog_drained'),
    'faults.unjudged': recoveries.length === 0 ? absent : unjudgedShare(recoveries),
  };
}

/** Of some injuries of one run. */
export function timeOn(clock: Clock, recoveries: readonly Recovery[]): MeasureOf<'samples'> {
  const ofSlos = clock === 'mttr' || clock === 'slo_regained';
  const judged = ofSlos ? recoveries.filter((recovery) => !isUnjudgedRecovery(recovery)) : recoveries;
  const elapsed = judged.flatMap(({ clocks }) => clocks[clock] ?? []);
  if (elapsed.length === 0) return notMeasured(judged.length < recoveries.length ? readerWasLate : whyNone[clock]);
  const notes = [...(clock === 'mttr' ? [basisOf(judged)] : []), ...leftOut(recoveries.length - judged.length)];
  return { kind: 'samples', samples: samplesOf(elapsed), ...noted(notes) };
}

function timeRegained(name: SloName, recoveries: readonly Recovery[]): MeasureOf<'samples'> {
  const elapsed = recoveries.flatMap(({ slos }) => {
    const fate = slos[name];
    return fate.fate === 'lost' ? [fate.regained] : [];
  });
  const unjudged = recoveries.filter(({ slos }) => slos[name].fate === 'not judged').length;
  if (elapsed.length === 0) return notMeasured(unjudged > 0 ? readerWasLate : `the SLO of ${name} was not lost`);
  return { kind: 'samples', samples: samplesOf(elapsed), ...noted(leftOut(unjudged)) };
}

/** Of the seconds of all watches. */
function unjudgedShare(recoveries: readonly Recovery[]): MeasureOf<'ratio'> {
  const seconds = recoveries.reduce((sum, { watched }) => sum + watched.seconds, 0);
  const unjudged = recoveries.reduce((sum, { watched }) => sum + watched.unjudged, 0);
  if (seconds === 0) return notMeasured('no call was due in a whole second of the watch');
  return {
    kind: 'ratio',
    numerator: unjudged,
    denominator: seconds,
    samples: seconds,
    ...noted(unjudged === 0 ? [] : [`${unjudged} of the ${seconds} s watched in a run left out`]),
  };
}

const leftOut = (injuries: number): string[] =>
  injuries === 0 ? [] : [`without ${injuries === 1 ? 'one injury' : `${injuries} injuries`}: ${readerWasLate}`];
const noted = (notes: readonly string[]) => (notes.length === 0 ? {} : { note: notes.join('; ') });

const noBand = 'nothing was seen before the fault to compare with';
const whyNone: Readonly<Record<Clock, string>> = {
  first_failure: 'no failure was seen',
  role_ready: '',
  first_success: '',
  slo_regained: 'no SLO was lost',
  back_in_band: noBand,
  backlog_drained: noBand,
  mttr: noBand,
};

/** Of an injury of which an SLO was not judged. */
const readerWasLate = 'the load generator itself was late, so that an SLO could not be judged';
export const isUnjudgedRecovery = ({ slos }: Pick<Recovery, 'slos'>) =>
  Object.values(slos).some(({ fate }) => fate === 'not judged');

/** What an MTTR is the time of. */
function basisOf(recoveries: readonly Recovery[]): string {
  const fates = recoveries.map((recovery) => worstFate(recovery).fate);
  const lost = fates.filter((fate) => fate === 'lost').length;
  if (lost === recoveries.length) return 'time to the SLO regained and held';
  if (lost > 0) return 'time to the SLO regained and held where it was lost, to the staleness of before elsewhere';
  if (fates.some((fate) => fate !== 'kept'))
    return 'the SLO was not seen to be lost: time to the return to the staleness of before';
  const unhurt = recoveries.every(({ clocks: { mttr } }) => mttr?.kind === 'after' && mttr.us === 0);
  return unhurt
    ? 'the SLO was not lost and staleness stayed as before: zero for that reason'
    : 'the SLO was not lost: time to the return to the staleness of before';
}

/** Of all SLOs together: none is known to be kept while one could not be judged. */
export function worstFate({ slos }: Recovery): SloFate {
  const fates = Object.values(slos);
  for (const fate of ['lost', 'not judged', 'undecided', 'not held before', 'kept'] as const) {
    const found = fates.find((one) => one.fate === fate);
    if (found) return found;
  }
  return { fate: 'not asked' };
}

function notHeld(recoveries: readonly Recovery[]): SloName[] {
  return sloNames.filter((name) => recoveries.some(({ slos }) => slos[name].fate === 'not held before'));
}

/** `names`: of which SLOs. */
function lossOf(fates: readonly SloFate[], names: readonly SloName[]): MeasureOf<'trials'> {
  const count = (fate: SloFate['fate']) => fates.filter((one) => one.fate === fate).length;
  const [lost, kept, unjudged] = [count('lost'), count('kept'), count('not judged')];
  const undecided = count('undecided') + unjudged;
  if (lost + kept + undecided === 0)
    return notMeasured(
      count('not asked') === fates.length
        ? 'nothing was asked'
        : `the SLO of ${names.join(' and of ')} was not held before the fault`,
    );
  // A plane that is back soon is seen to have kept it, however short the watch: leaving the others out would leave out
  // those that were slow.
  return {
    kind: 'trials',
    successes: lost,
    trials: lost + kept,
    ...(undecided === 0 ? {} : { undecided }),
    ...(unjudged === 0 ? {} : { unjudged }),
  };
}

function whyAbsent(run: RunFacts, { probes }: Panel) {
  if (run.plan.scenario.faults.length === 0) return notMeasured('the scenario injects no fault');
  const refused = run.faults.find(({ notApplicable }) => notApplicable !== null);
  if (refused) return notOffered(refused.notApplicable as string);
  if (probes.probes === 0) return notMeasured('the panel was never probed');
  return notMeasured('no fault was witnessed');
}
