/**
 * The headline in virtual time, at the paper's own scale: nothing is divided, an hour is an hour. Whoever has five minutes
 * to show a change paces source, planes and watchers in seconds; what is paced faster costs work and shows nothing more.
 */
import { minuteUs, secondUs } from '../../workloads/durations.js';
import type { Arm, Scenario } from '../scenario.js';
import type { Suite } from '../suite.js';
import { measuredScenario, soundness, threePlanes } from './measured.js';

const base = measuredScenario({
  name: 'headline',
  customers: 10_000,
  historyFacts: 100_000,
  changesPerSecond: 200,
  predictionsPerSecond: 2,
  lookupsPerSecond: 0.5,
  warmUpUs: minuteUs,
  measureUs: 20 * minuteUs,
  faultUs: 9 * minuteUs,
  drainUs: 20 * minuteUs,
  timeScale: 1,
});

/** A connector that asks its database for changes every two seconds, and a panel that is looked at ten times a minute. */
const slotUs = 2 * secondUs;
const probesEveryUs = 6 * secondUs;

/** As a container takes to be started anew; longer than a slot, so that every crash meets changes. */
const restartDelayUs = 3 * secondUs;

const { changes, panel } = base.workload;
const scenario: Scenario = {
  ...base,
  stack: 'simulated',
  restartDelayUs,
  workload: {
    ...base.workload,
    changes: { ...changes, slotUs },
    // A fiftieth of the SLO, a quarter of the shortest interval at which a plane shows anything new.
    panel: { ...panel, everyUs: probesEveryUs },
  },
};

const clockToleranceUs = 5 * minuteUs;
/**
 * A twelfth of the SLO: how often a streaming plane shows what has come. The warehouse stages twice as often. No multiple of
 * the panel's six seconds, nor a part of the cache's thirty: else the three keep step, and a figure hangs on their phase.
 */
const showsEveryUs = 25 * secondUs;
/** The rest is what the planes' defaults are at time scale 60, in the paper's minutes. */
const params = {
  lakehouse: {
    batchIntervalUs: showsEveryUs,
    cacheTtlUs: 30 * secondUs,
    maintenanceIntervalUs: 5 * minuteUs,
    retainUs: 30 * minuteUs,
    clockToleranceUs,
  },
  warehouse: { mergeIntervalUs: 2 * minuteUs, stageIntervalUs: showsEveryUs / 2, clockToleranceUs },
  lambda: {
    batchIntervalUs: 15 * minuteUs,
    flushIntervalUs: showsEveryUs,
    commitIntervalUs: minuteUs,
    archiveIntervalUs: minuteUs,
    clockToleranceUs,
  },
} as const;

const arms = threePlanes.map((arm): Arm => ({ ...arm, params: params[arm.architecture as keyof typeof params] }));

export const simulated: Suite = {
  name: 'simulated',
  about:
    'the headline in virtual time at time scale 1: 200 changes/s, 30 minutes, one crash a run, ten seeds (under 3 minutes)',
  scenarios: [scenario],
  arms,
  repetitions: 10,
  // The same seed gives the same bytes: what differs at all was changed on purpose, and its margin says how much may.
  thresholds: [
    ...soundness,
    { metric: 'freshness.slo_met', statistic: 'share', kind: 'absolute', atLeast: 0.95 },
    { metric: 'freshness.visibility', statistic: 'p95', kind: 'relative', margin: 0.05 },
    { metric: 'lookup', statistic: 'p95', kind: 'relative', margin: 0.05 },
    { metric: 'inference', statistic: 'p95', kind: 'relative', margin: 0.05 },
    { metric: 'backfill.time_per_tb', statistic: 'mean', kind: 'relative', margin: 0.05 },
  ],
};
