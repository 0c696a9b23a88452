/** The suite of `npm run bench`: the three planes at the size for which the report is read. */
import { secondUs } from '../../workloads/durations.js';
import type { Suite } from '../suite.js';
import { measuredScenario, soundness, threePlanes } from './measured.js';

export const headline: Suite = {
  name: 'headline',
  about: 'three planes, 20,000 changes/s, 100,000 customers, one crash a run, five repetitions (8 to 12 minutes)',
  scenarios: [
    measuredScenario({
      name: 'headline',
      customers: 100_000,
      historyFacts: 1_000_000,
      changesPerSecond: 20_000,
      predictionsPerSecond: 300,
      lookupsPerSecond: 60,
      warmUpUs: secondUs,
      measureUs: 15 * secondUs,
      faultUs: 6 * secondUs,
      drainUs: 20 * secondUs,
    }),
  ],
  arms: threePlanes,
  repetitions: 5,
  thresholds: [
    ...soundness,
    { metric: 'freshness.slo_met', statistic: 'share', kind: 'absolute', atLeast: 0.95 },
    { metric: 'freshness.visibility', statistic: 'p95', kind: 'relative', margin: 0.15 },
    { metric: 'inference', statistic: 'p50', kind: 'relative', margin: 0.15 },
    // A tail, and a time that depends on where in a cycle the crash falls: both vary more between runs.
    { metric: 'inference', statistic: 'p99', kind: 'relative', margin: 0.5 },
    { metric: 'faults.mttr', statistic: 'mean', kind: 'relative', margin: 0.5 },
    { metric: 'backfill.time_per_tb', statistic: 'mean', kind: 'relative', margin: 0.25 },
  ],
};
