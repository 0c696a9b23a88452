/** The headline in virtual time, at the paper's own scale: nothing is divided, an hour is an hour. */
import { dayUs, minuteUs, secondUs } from '../../workloads/durations.js';
import type { Arm, Scenario } from '../scenario.js';
import type { Suite } from '../suite.js';
import { measuredScenario, soundness, threePlanes } from './measured.js';

const base = measuredScenario({
  name: 'headline',
  customers: 10_000,
  historyFacts: 100_000,
  changesPerSecond: 200,
  predictionsPerSecond: 3,
  lookupsPerSecond: 1,
  warmUpUs: minuteUs,
  measureUs: 20 * minuteUs,
  faultUs: 9 * minuteUs,
  drainUs: 20 * minuteUs,
  timeScale: 1,
});

const scenario: Scenario = { ...base, stack: 'simulated' };

const clockToleranceUs = 5 * minuteUs;
/** What the planes' defaults are at time scale 60, in the paper's minutes. */
const params = {
  lakehouse: {
    batchIntervalUs: 12 * secondUs,
    cacheTtlUs: 30 * secondUs,
    maintenanceIntervalUs: 5 * minuteUs,
    retainUs: 30 * minuteUs,
    warmAfterUs: dayUs,
    coldAfterUs: 7 * dayUs,
    clockToleranceUs,
  },
  warehouse: { mergeIntervalUs: 2 * minuteUs, stageIntervalUs: 6 * secondUs, clockToleranceUs },
  lambda: {
    batchIntervalUs: 15 * minuteUs,
    flushIntervalUs: 12 * secondUs,
    commitIntervalUs: minuteUs,
    archiveIntervalUs: minuteUs,
    clockToleranceUs,
  },
} as const;

const arms = threePlanes.map((arm): Arm => ({ ...arm, params: params[arm.architecture] }));

export const simulated: Suite = {
  name: 'simulated',
  about:
    'the headline in virtual time at time scale 1: 200 changes/s, 30 minutes, one crash a run, ten seeds (some minutes)',
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
