/** Everything once, small: does it work here? Its figures are real, but too few to decide anything. */
import { secondUs } from '../../workloads/durations.js';
import type { Suite } from '../suite.js';
import { measuredScenario, soundness, threePlanes } from './measured.js';

export const smoke: Suite = {
  name: 'smoke',
  about: 'three planes, 1,000 changes/s, 2,000 customers, one crash a run, once (under a minute)',
  scenarios: [
    measuredScenario({
      name: 'smoke',
      customers: 2_000,
      historyFacts: 20_000,
      changesPerSecond: 1_000,
      predictionsPerSecond: 200,
      lookupsPerSecond: 50,
      warmUpUs: secondUs,
      measureUs: 4 * secondUs,
      faultUs: 5 * secondUs,
      drainUs: 10 * secondUs,
    }),
  ],
  arms: threePlanes,
  repetitions: 1,
  // Small and short, so noisy: margins are wide. With --repetitions 10 they can be judged.
  thresholds: [
    ...soundness,
    { metric: 'freshness.visibility', statistic: 'p95', kind: 'relative', margin: 0.25 },
    { metric: 'inference', statistic: 'p50', kind: 'relative', margin: 0.25 },
    { metric: 'inference', statistic: 'p99', kind: 'relative', margin: 1 },
    { metric: 'backfill.time_per_tb', statistic: 'mean', kind: 'relative', margin: 0.5 },
  ],
};
