/**
 * Latency as a caller has it: from the moment at which the call was due to its answer, so that a wait behind a stalled
 * plane, or a stalled generator, is part of it (no coordinated omission). A call that failed or timed out is counted as
 * at least the time-out: right-censored there, above every answer. The generator catches up whatever it missed and drops
 * nothing, so there are no drops to report; how late it was is `start_error`.
 */

import { operationKinds, outcomes, type RunFacts } from '../record/facts.js';
import { countSamples, type Samples, sortSamples } from '../statistics/samples.js';
import { witnessedInjuriesOf } from './injuries.js';
import { type AbsentMeasure, type MeasureOf, notMeasured, notOffered } from './measured.js';

export interface Calls {
  readonly latency: Samples;
  /** From sending to answer, of answered calls. */
  readonly service: Samples;
  /** From the moment at which the call was due to its sending. */
  readonly startError: Samples;
  readonly calls: number;
  readonly failed: number;
}

/** Calls of a kind that were due in [fromUs, untilUs). */
export function foldCalls(
  { operations, plan }: RunFacts,
  kind: (typeof operationKinds)[number],
  window: { readonly fromUs: number; readonly untilUs: number },
): Calls {
  const { timeoutUs } = plan.scenario.workload.reads;
  const code = operationKinds.indexOf(kind);
  const ok = outcomes.indexOf('ok');
  const latency: number[] = [];
  const failed: number[] = [];
  const service: number[] = [];
  const startError: number[] = [];
  for (let i = 0; i < operations.rows; i++) {
    const intendedUs = operations.intendedUs[i] as number;
    if (operations.kind[i] !== code || intendedUs < window.fromUs || intendedUs >= window.untilUs) continue;
    const tookUs = (operations.doneUs[i] as number) - intendedUs;
    startError.push((operations.sentUs[i] as number) - intendedUs);
    if (operations.outcome[i] === ok) {
      latency.push(tookUs);
      service.push((operations.doneUs[i] as number) - (operations.sentUs[i] as number));
    } else failed.push(Math.max(tookUs, timeoutUs));
  }
  return {
    latency: sortSamples(latency, failed),
    service: sortSamples(service),
    startError: sortSamples(startError),
    calls: latency.length + failed.length,
    failed: failed.length,
  };
}

export function measureLatency(run: RunFacts) {
  const { timeline } = run;
  const measured = { fromUs: timeline.measureStartUs, untilUs: timeline.measureEndUs };
  // From the strike on: calls of the margin before it met a plane that nothing had happened to.
  const struckUs = witnessedInjuriesOf(run).map(({ injectedUs }) => injectedUs);
  const faulty = { fromUs: Math.min(...struckUs), untilUs: timeline.loadEndUs };
  const predict = measureCalls(run, 'predict', measured);
  const lookup = measureCalls(run, 'lookup', measured);
  const injured =
    run.plan.scenario.faults.length === 0
      ? absent(notMeasured('the scenario injects no fault'))
      : struckUs.length === 0
        ? absent(notMeasured('no fault was witnessed'))
        : measureCalls(run, 'predict', faulty);
  return {
    inference: predict.latency,
    'inference.service': predict.service,
    'inference.errors': predict.errors,
    'inference.start_error': predict.startError,
    lookup: lookup.latency,
    'lookup.service': lookup.service,
    'lookup.errors': lookup.errors,
    'lookup.start_error': lookup.startError,
    'faults.inference': injured.latency,
    'faults.inference_errors': injured.errors,
  };
}

interface CallMeasures {
  readonly latency: MeasureOf<'samples'>;
  readonly service: MeasureOf<'samples'>;
  readonly startError: MeasureOf<'samples'>;
  readonly errors: MeasureOf<'ratio'>;
}

function measureCalls(
  run: RunFacts,
  kind: (typeof operationKinds)[number],
  window: { readonly fromUs: number; readonly untilUs: number },
): CallMeasures {
  const calls = foldCalls(run, kind, window);
  if (calls.calls === 0) {
    const code = operationKinds.indexOf(kind);
    const asked = run.plan.scenario.workload.reads[kind].perSecond > 0;
    const everAnswered = run.operations.kind.includes(code);
    return absent(
      asked && !everAnswered ? notOffered(`the plane has no ${kind}`) : notMeasured(`no ${kind} was due in the window`),
    );
  }
  const sampled = (samples: Samples): MeasureOf<'samples'> =>
    countSamples(samples) === 0 ? notMeasured('no call was answered') : { kind: 'samples', samples };
  return {
    latency: sampled(calls.latency),
    service: sampled(calls.service),
    startError: sampled(calls.startError),
    errors: { kind: 'ratio', numerator: calls.failed, denominator: calls.calls, samples: calls.calls },
  };
}

function absent(measure: AbsentMeasure): CallMeasures {
  return { latency: measure, service: measure, startError: measure, errors: measure };
}
