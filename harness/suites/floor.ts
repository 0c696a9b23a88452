/**
 * The harness's own floor: a plane that does nothing, asked 1,000 times a second. Part of every suite, once, so that every
 * report says what of its latencies is the harness itself.
 */
import { secondUs } from '../../workloads/durations.js';
import type { Scenario } from '../scenario.js';
import { measuredScenario } from './measured.js';

const base = measuredScenario({
  name: 'floor',
  customers: 1_000,
  historyFacts: 2_000,
  changesPerSecond: 100,
  predictionsPerSecond: 0,
  lookupsPerSecond: 1_000,
  warmUpUs: secondUs,
  measureUs: 3 * secondUs,
  faultUs: 0,
  // It shows nothing, ever: there is nothing to wait for.
  drainUs: 0,
});

export const floor: Scenario = {
  ...base,
  about: 'the harness itself, asked through a plane that does nothing: so much of every other latency here is its own',
  faults: [],
  workload: {
    ...base.workload,
    reads: { ...base.workload.reads, lookup: { ...base.workload.reads.lookup, keysPerCall: 1 } },
  },
};
