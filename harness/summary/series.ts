/** What charts show of one run, reduced to a hundred or so rows. Times are relative to the start of the load. */

import type { RunSeries } from '../../reports/summary.js';
import { foldBacklog } from '../measures/backlog.js';
import { foldVisibility, type Visibility } from '../measures/freshness.js';
import { injectionsOf } from '../measures/injuries.js';
import type { MeasureOf } from '../measures/measured.js';
import type { MeasuredRun } from '../measures/metrics.js';
import type { Panel } from '../measures/panel.js';
import { foldProcesses } from '../measures/resources.js';
import { appendOutcomes, operationKinds, outcomes, type RunFacts } from '../record/facts.js';
import { sampleFloor } from '../statistics/binomial.js';
import { countSamples, quantileBound, quantileOf, sortSamples } from '../statistics/samples.js';
import { rounded } from './estimates.js';

const mostIntervals = 120;
const intervalStepUs = 50_000;

/** More towards the tail, where planes differ. */
const probabilities = [
  0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995,
  0.999,
];

export function drawSeries(run: RunFacts, panel: Panel, { measures, invalid }: MeasuredRun): RunSeries {
  const { plan, timeline } = run;
  const zeroUs = timeline.loadStartUs;
  const sinceStart = (us: number | null) => (us === null ? null : us - zeroUs);
  const measured = { fromUs: timeline.measureStartUs, untilUs: timeline.measureEndUs };
  return {
    run: plan.id,
    scenario: plan.scenario.name,
    architecture: plan.arm.architecture,
    repetition: plan.repetition,
    valid: invalid.length === 0,
    measureStartUs: timeline.measureStartUs - zeroUs,
    measureEndUs: timeline.measureEndUs - zeroUs,
    faults: injectionsOf(run).map(({ kind, target, injectedUs, witnessedUs, healedUs, readyUs }) => ({
      kind,
      target,
      injectedUs: injectedUs - zeroUs,
      witnessedUs: sinceStart(witnessedUs),
      healedUs: sinceStart(healedUs),
      readyUs: sinceStart(readyUs),
    })),
    ...drawTimeline(run, panel, foldVisibility(panel)),
    inferenceQuantiles: quantilesOf(measures.inference),
    visibilityQuantiles: quantilesOf(measures['freshness.visibility']),
    processes: foldProcesses(run, measured).flatMap(({ name, kind, cpuCores, peakRssBytes }) =>
      cpuCores === null ? [] : [{ name, kind, cpuCores: rounded(cpuCores), peakRssBytes }],
    ),
  };
}

/** Those that the run's own samples can bear and that are not censored. */
function quantilesOf(measure: MeasureOf<'samples'>): { p: number; us: number }[] {
  if (measure.kind === 'absent') return [];
  const { samples } = measure;
  return probabilities
    .filter((p) => countSamples(samples) >= sampleFloor(p))
    .map((p) => ({ p, us: rounded(quantileOf(samples, p)) }))
    .filter(({ us }) => Number.isFinite(us));
}

function drawTimeline(
  run: RunFacts,
  panel: Panel,
  { visibleUs, hiddenAtUs }: Visibility,
): Pick<RunSeries, 'intervalUs' | 'timeline'> {
  const { timeline, operations, appends } = run;
  const spanUs = timeline.loadEndUs - timeline.loadStartUs;
  const intervalUs = Math.max(1, Math.ceil(spanUs / mostIntervals / intervalStepUs)) * intervalStepUs;
  const length = Math.ceil(spanUs / intervalUs);
  const intervalOf = (us: number) => Math.floor((us - timeline.loadStartUs) / intervalUs);
  const within = (interval: number) => interval >= 0 && interval < length;
  const lists = () => Array.from({ length }, (): number[] => []);

  const { timeoutUs } = run.plan.scenario.workload.reads;
  const predict = operationKinds.indexOf('predict');
  const ok = outcomes.indexOf('ok');
  const latencies = lists();
  const errors = new Uint32Array(length);
  for (let i = 0; i < operations.rows; i++) {
    const intendedUs = operations.intendedUs[i] as number;
    const interval = intervalOf(intendedUs);
    if (!within(interval)) continue;
    const failed = operations.outcome[i] !== ok;
    if (failed) errors[interval] = (errors[interval] as number) + 1;
    if (operations.kind[i] !== predict) continue;
    const tookUs = (operations.doneUs[i] as number) - intendedUs;
    latencies[interval]?.push(failed ? Math.max(tookUs, timeoutUs) : tookUs);
  }

  const appended = new Uint32Array(length);
  for (let i = 0; i < appends.rows; i++) {
    const interval = intervalOf(appends.slotUs[i] as number);
    if (within(interval) && appendOutcomes[appends.outcome[i] as number] === 'acknowledged') {
      appended[interval] = (appended[interval] as number) + (appends.changes[i] as number);
    }
  }

  const delays = Array.from({ length }, (): { seen: number[]; unseen: number[] } => ({ seen: [], unseen: [] }));
  for (let i = 0; i < panel.awaited.rows; i++) {
    const emitUs = panel.awaited.emitUs[i] as number;
    const isSeen = visibleUs[i] !== Number.POSITIVE_INFINITY;
    const untilUs = isSeen ? (visibleUs[i] as number) : (hiddenAtUs[i] as number);
    const delay = delays[intervalOf(emitUs)];
    (isSeen ? delay?.seen : delay?.unseen)?.push(Math.max(0, untilUs - emitUs));
  }

  const backlog = new Map<number, number>();
  const series = foldBacklog(run, panel);
  series.atUs.forEach((atUs, row) => {
    backlog.set(intervalOf(atUs), series.changes[row] as number);
  });

  const p95 = (values: readonly number[] | undefined) =>
    values === undefined || values.length === 0 ? null : rounded(quantileBound([sortSamples(values)], 0.95));
  /** Null also where too many were never seen: a bound would be drawn as if it were the delay. */
  const delayP95 = ({ seen, unseen }: { readonly seen: number[]; readonly unseen: number[] }) => {
    if (seen.length + unseen.length === 0) return null;
    const p95Us = quantileOf(sortSamples(seen, unseen), 0.95);
    return Number.isFinite(p95Us) ? rounded(p95Us) : null;
  };
  return {
    intervalUs,
    timeline: Array.from({ length }, (_, interval) => ({
      atUs: interval * intervalUs,
      predictP95Us: p95(latencies[interval]),
      visibilityP95Us: run.ingests ? delayP95(delays[interval]!) : null,
      backlogChanges: run.ingests && backlog.has(interval) ? rounded(backlog.get(interval) as number) : null,
      errors: errors[interval] as number,
      appended: appended[interval] as number,
    })),
  };
}
