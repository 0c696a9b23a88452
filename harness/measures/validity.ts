/**
 * Whether a run may be judged. `invalid`: the harness did not do its own part, or cannot prove that it did, and no figure
 * of the run is used. `missing`: the run stands, but something that the suite asked for was not observed; what is missing
 * is never taken for a pass. What a plane loses or gets wrong is neither: it is a finding about the plane.
 */
import { appendOutcomes, type FaultFact, type Finding, operationKinds, type RunFacts } from '../record/facts.js';
import type { FaultKind } from '../scenario.js';
import { countSamples, quantileBound, quantileOf, sortSamples } from '../statistics/samples.js';
import { measuredEmissions } from './freshness.js';
import { lateUs } from './late-seconds.js';
import type { MeasureOf } from './measured.js';
import type { Measures } from './metrics.js';
import { lastLookUs, type Panel } from './panel.js';
import type { Recovery } from './recovery.js';
import { sloNames } from './slos.js';

export interface Validity {
  readonly invalid: readonly Finding[];
  readonly missing: readonly Finding[];
}

export function judgeRun(run: RunFacts, panel: Panel, measures: Measures, recoveries: readonly Recovery[]): Validity {
  return {
    invalid: [
      ...run.invalid,
      ...behind('predict calls', measures['inference.start_error'], measures.inference),
      ...behind('lookup calls', measures['lookup.start_error'], measures.lookup),
      ...(run.ingests ? emitterBehind(run, measures['freshness.visibility']) : []),
      ...uselessFaults(run),
      ...unbalancedBooks(run),
    ],
    missing: [...missingFacts(run, panel), ...recoveries.flatMap((recovery) => unjudgedInjury(run, recovery))],
  };
}

/** Above `lateUs` it may be a tenth of what it delays. */
const startErrorShare = 0.1;

/**
 * The emitter delays changes as the reader delays calls: its start error is part of every visibility. It is judged by
 * first attempts that were not held back behind one that had failed: while the change log does not answer, the source is
 * late and not behind. Of a database its transactions are judged, however far behind them the connector is.
 */
function emitterBehind(run: RunFacts, visibility: MeasureOf<'samples'>): Finding[] {
  const { timeline } = run;
  const isMeasured = (slotUs: number) => slotUs >= timeline.measureStartUs && slotUs < timeline.measureEndUs;
  const offered = run.commits.rows > 0 ? transactions(run) : firstAttempts(run).filter(({ wasHeld }) => !wasHeld);
  const late = offered.filter(({ slotUs }) => isMeasured(slotUs)).map(({ slotUs, sentUs }) => sentUs - slotUs);
  return behind('changes', { kind: 'samples', samples: sortSamples(late) }, visibility);
}

function transactions({ commits }: RunFacts): Pick<FirstAttempt, 'slotUs' | 'sentUs'>[] {
  return Array.from({ length: commits.rows }, (_, row) => ({
    slotUs: commits.slotUs[row] as number,
    sentUs: commits.askedUs[row] as number,
  }));
}

interface FirstAttempt {
  readonly slotUs: number;
  readonly sentUs: number;
  /** When it was due, an earlier entry of its partition had failed and was still to be tried again. */
  readonly wasHeld: boolean;
}

function firstAttempts({ appends, timeline }: RunFacts): FirstAttempt[] {
  const acknowledged = appendOutcomes.indexOf('acknowledged');
  const entries = new Map<
    number,
    { partition: number; slotUs: number; sentUs: number; doneUs: number; failed: boolean }
  >();
  for (let row = 0; row < appends.rows; row++) {
    const partition = appends.partition[row] as number;
    const slotUs = appends.slotUs[row] as number;
    const key = (slotUs - timeline.loadStartUs) * 256 + partition;
    const sentUs = appends.sentUs[row] as number;
    const doneUs = appends.doneUs[row] as number;
    const entry = entries.get(key) ?? { partition, slotUs, sentUs, doneUs, failed: false };
    entry.sentUs = Math.min(entry.sentUs, sentUs);
    entry.doneUs = Math.max(entry.doneUs, doneUs);
    entry.failed ||= appends.outcome[row] !== acknowledged;
    entries.set(key, entry);
  }
  const heldUntilUs = new Map<number, number>();
  return [...entries.values()]
    .sort((a, b) => a.slotUs - b.slotUs)
    .map(({ partition, slotUs, sentUs, doneUs, failed }) => {
      const untilUs = heldUntilUs.get(partition) ?? Number.NEGATIVE_INFINITY;
      if (failed) heldUntilUs.set(partition, Math.max(untilUs, doneUs));
      return { slotUs, sentUs, wasHeld: slotUs <= untilUs };
    });
}

function behind(what: string, startError: MeasureOf<'samples'>, delayed: MeasureOf<'samples'>): Finding[] {
  if (startError.kind === 'absent' || countSamples(startError.samples) === 0) return [];
  const errorUs = quantileOf(startError.samples, 0.99);
  const delayedUs = delayed.kind === 'absent' ? 0 : quantileBound([delayed.samples], 0.99);
  const allowedUs = Math.max(lateUs, startErrorShare * delayedUs);
  if (errorUs <= allowedUs) return [];
  return [
    {
      code: 'GENERATOR_BEHIND',
      message:
        `the load generator started 1 % of its ${what} more than ${ms(errorUs)} late; allowed are ${ms(allowedUs)}, ` +
        `the larger of 5 ms and a tenth of the p99 that it delays. ${tooBusy}`,
    },
  ];
}

const tooBusy = 'The machine was too busy for this load: lower the rates or close other programs';

/** What the reader's own lateness has hidden of an injury. */
function unjudgedInjury(run: RunFacts, { injury, slos, watched }: Recovery): Finding[] {
  const names = sloNames.filter((name) => slos[name].fate === 'not judged');
  if (names.length === 0) return [];
  const { seconds, unjudged } = watched;
  const when = unjudged === 0 ? 'every second before it' : `${unjudged} of the ${seconds} seconds watched after it`;
  const message =
    `${injury.fault} of ${injury.target} at ${sinceStart(run, injury.injectedUs)}: the load generator started 5 % of its ` +
    `calls more than ${ms(lateUs)} late in ${when}, so that ${names.join(' and ')} could not be judged, nor the MTTR. ` +
    tooBusy;
  return [{ code: 'NOT_JUDGED', message }];
}

const ms = (us: number) => `${(us / 1000).toFixed(1)} ms`;

/** Every planned fault was injected, seen to bite, and met load, or strikes nothing in this plane. */
function uselessFaults(run: RunFacts): Finding[] {
  const { faults, plan } = run;
  const nothing = ': nothing can be said of recovery from it';
  const forgotten = plan.scenario.faults
    .filter((_, fault) => !faults.some((fact) => fact.fault === fault))
    .map(({ kind }) => ({ code: 'FAULT_NOT_INJECTED', message: `${kind} was planned and never came up${nothing}` }));
  const told = faults.flatMap((fact) => {
    const { kind, target, scheduledUs, injectedUs, witnessedUs, saw, readyUs, notApplicable } = fact;
    const which = `${kind} of ${target} at ${sinceStart(run, injectedUs ?? scheduledUs)}`;
    if (notApplicable !== null) return [];
    if (injectedUs === null)
      return [{ code: 'FAULT_NOT_INJECTED', message: `${which} was planned and not injected${nothing}` }];
    const shield = shieldOf(fact, run);
    if (shield !== undefined) {
      const other = `${shield.kind} of ${shield.target} was at work`;
      const message = `${which} found nothing to bite while ${other}${nothing}. Let them strike apart`;
      return [{ code: 'NOT_EXPOSED', message }];
    }
    if (witnessedUs === null) {
      const what = saw === null ? 'was injected but not seen to bite' : `did not strike (${saw})`;
      return [{ code: 'INVALID_INJECTION', message: `${which} ${what}${nothing}` }];
    }
    const endUs = readyUs ?? run.timeline.loadEndUs;
    if (metLoad(run, injectedUs, endUs)) return [];
    return [
      {
        code: 'NOT_EXPOSED',
        message:
          `${which} bit, but no change was appended and no call made until what it struck was in service again, at ` +
          `${sinceStart(run, endUs)}${nothing}. Let it last longer, or raise the load`,
      },
    ];
  });
  return [...forgotten, ...told];
}

/** Witnessed by what the plane does meanwhile: by calls that are hurt, or by a role that is ready again to be killed. */
const needsPlaneAtWork: ReadonlySet<FaultKind> = new Set([
  'slow-port',
  'failing-port',
  'full-disk',
  // Of tables without a server of their own: nobody answers at the port.
  'table-store-outage',
  'crash-loop',
  'wire-latency',
  'wire-bandwidth',
  'wire-timeout',
  'wire-reset',
  'partition',
]);

/** Keeps no plane from its work: what comes in is another, or another time is told. */
const hindersNobody: ReadonlySet<FaultKind> = new Set([
  'clock-jump',
  'duplicate-delivery',
  'reordering',
  'late-events',
  'poison-records',
  'incompatible-schema',
  'load-burst',
]);

/**
 * Of a fault that was not seen to bite: another one that kept the plane from its work. A role that waits for its tables
 * does not ask the change log, one that is dead asks nobody, one that finds no server is not ready again.
 */
function shieldOf(unmet: FaultFact, { faults, timeline }: RunFacts): FaultFact | undefined {
  if (unmet.witnessedUs !== null || !needsPlaneAtWork.has(unmet.kind)) return undefined;
  const untilUs = ({ healedUs, readyUs }: FaultFact) => readyUs ?? healedUs ?? timeline.loadEndUs;
  const fromUs = unmet.injectedUs ?? Number.NaN;
  return faults.find(
    (other) =>
      other.witnessedUs !== null &&
      !hindersNobody.has(other.kind) &&
      (other.injectedUs ?? Number.NaN) < untilUs(unmet) &&
      fromUs < untilUs(other),
  );
}

function metLoad({ appends, operations }: RunFacts, fromUs: number, untilUs: number): boolean {
  const within = (us: number) => us >= fromUs && us <= untilUs;
  return appends.sentUs.some(within) || operations.intendedUs.some(within);
}

const sinceStart = ({ timeline }: RunFacts, us: number) => `+${((us - timeline.loadStartUs) / 1e6).toFixed(3)} s`;

function unbalancedBooks({ ledger, appends }: RunFacts): Finding[] {
  const findings: Finding[] = [];
  const unbalanced = (message: string) => findings.push({ code: 'BOOKS_DO_NOT_BALANCE', message });
  if (ledger !== null) {
    const { attempted, acknowledged, failed, indeterminate } = ledger;
    if (attempted !== acknowledged + failed + indeterminate) {
      unbalanced(
        `${attempted} changes were attempted, but ${acknowledged} acknowledged + ${failed} failed + ` +
          `${indeterminate} indeterminate make ${acknowledged + failed + indeterminate}`,
      );
    }
    const recorded = appends.changes.reduce((sum, count) => sum + count, 0);
    if (recorded !== attempted) {
      unbalanced(`the ledger counts ${attempted} attempted changes, the recorded appends hold ${recorded}`);
    }
  }
  if (appends.outcome.some((outcome) => appendOutcomes[outcome] === undefined)) {
    unbalanced('an append has no known outcome');
  }
  return findings;
}

/** Share of the measured window whose changes may go unwatched for lack of time before it is said to be missing. */
const leftOutShare = 0.05;

function missingFacts(run: RunFacts, { probes }: Panel): Finding[] {
  const { plan } = run;
  const findings: Finding[] = [];
  const missing = (code: string, message: string) => findings.push({ code, message });
  const watchedUntilUs = lastLookUs(probes) - plan.scenario.slo.freshnessUs;
  const { fromUs, untilUs } = measuredEmissions(run);
  const leftOut = (untilUs - watchedUntilUs) / (untilUs - fromUs);
  if (!run.ingests) {
    // Nothing of its freshness is asked.
  } else if (probes.probes === 0 || probes.answered.every((answered) => answered === 0)) {
    missing('NO_PROBES', 'no probe of the panel was answered: freshness is unknown');
  } else if (leftOut > leftOutShare) {
    missing(
      'WATCHED_TOO_SHORT',
      `the panel was not watched for one SLO after the measured window: ${Math.round(100 * leftOut)} % of it is left out`,
    );
  }
  for (const kind of new Set(run.batch?.steps.map((step) => step.kind))) {
    const failures = run.batch?.steps.flatMap((step) => (step.kind === kind ? [step.failure] : [])) ?? [];
    if (failures.every((failure) => failure !== null))
      missing('BATCH_FAILED', `none of ${failures.length} ${kind} steps was done: ${failures[0]}`);
  }
  if (run.ledger === null) missing('NO_LEDGER', 'the ledger was not drawn up: correctness is unknown');
  const unacknowledged = run.ledger?.unacknowledged ?? 0;
  if (unacknowledged > 0)
    missing(
      'NOT_ALL_ACKNOWLEDGED',
      `${unacknowledged} changes of the trace were never acknowledged by the change log, and given up: the plane was under less load than was planned`,
    );
  if (run.appends.rows === 0) missing('NO_CHANGES', 'no change was offered');
  if (!operationKinds.some((kind) => run.operations.kind.includes(operationKinds.indexOf(kind)))) {
    missing('NO_READS', 'no call was recorded: latency is unknown');
  }
  if (run.usage.rows === 0) missing('NO_USAGE', 'no process was sampled: use of the machine is unknown');
  return findings;
}
