/**
 * The batch half of the paper at 100 M facts of history, which no process may hold: they are streamed from disk to disk,
 * by the generator, by the plane and by the oracle. One plane; its processes together stay below 6 GB.
 */
import { secondUs } from '../../workloads/durations.js';
import type { Suite } from '../suite.js';
import { batchSoundness, labels, scorings } from './batch.js';
import { measuredScenario, soundness, threePlanes } from './measured.js';

const base = measuredScenario({
  name: 'batch-large',
  customers: 2_000_000,
  historyFacts: 100_000_000,
  changesPerSecond: 2_000,
  predictionsPerSecond: 50,
  lookupsPerSecond: 20,
  warmUpUs: secondUs,
  measureUs: 15 * secondUs,
  // No fault: one SLO of further load, in which the last measured changes are watched.
  faultUs: 5 * secondUs,
  drainUs: 60 * secondUs,
});

export const batchLarge: Suite = {
  name: 'batch-large',
  about: 'the lakehouse, 100 M facts of history streamed from disk, 2,000,000 customers scored in batch, once',
  scenarios: [
    {
      ...base,
      faults: [],
      batch: {
        labels,
        // What a snapshot of so much takes would strike every figure of the load beside it.
        besideLoad: [],
        afterLoad: [
          { kind: 'snapshot', name: 'after the load' },
          ...scorings('after the load', 10),
          { kind: 'training-set', late: false, times: 2 },
        ],
      },
    },
  ],
  arms: threePlanes.filter(({ architecture }) => architecture === 'lakehouse'),
  repetitions: 1,
  thresholds: [
    ...soundness,
    ...batchSoundness,
    { metric: 'scoring.scan_amplification', statistic: 'mean', kind: 'absolute', atMost: 1.1 },
    { metric: 'scoring.slice_scan_amplification', statistic: 'mean', kind: 'absolute', atMost: 1.3 },
    { metric: 'resources.memory_whole_run', statistic: 'mean', kind: 'absolute', atMost: 6e9 },
  ],
};
