/** How large a run is that is made for its ledger alone: a second of load, and time enough to drain on a busy machine. */
import { secondUs } from '../../workloads/durations.js';

export const smallSize = {
  customers: 100,
  historyFacts: 400,
  changesPerSecond: 500,
  predictionsPerSecond: 10,
  lookupsPerSecond: 10,
  warmUpUs: secondUs / 2,
  measureUs: secondUs,
  drainUs: 60 * secondUs,
} as const;
