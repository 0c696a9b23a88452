/** Three times the headline's change rate, and no fault: does the plane keep up? Backlog growth and SLO say. */
import { secondUs } from '../../workloads/durations.js';
import type { Suite } from '../suite.js';
import { measuredScenario, soundness, threePlanes } from './measured.js';

const scenario = measuredScenario({
  name: 'ingest',
  customers: 100_000,
  historyFacts: 1_000_000,
  changesPerSecond: 60_000,
  predictionsPerSecond: 100,
  lookupsPerSecond: 20,
  warmUpUs: 2 * secondUs,
  measureUs: 15 * secondUs,
  // No fault: one SLO of further load, in which the last measured changes are watched.
  faultUs: 5 * secondUs,
  drainUs: 30 * secondUs,
});

export const ingest: Suite = {
  name: 'ingest',
  about: 'three planes, 60,000 changes/s, 100,000 customers, no fault, once (about 3 minutes)',
  scenarios: [{ ...scenario, faults: [] }],
  arms: threePlanes,
  repetitions: 1,
  thresholds: [
    ...soundness,
    { metric: 'freshness.slo_met', statistic: 'share', kind: 'absolute', atLeast: 0.95 },
    { metric: 'ingest.achieved_rate', statistic: 'mean', kind: 'relative', margin: 0.05 },
  ],
};
