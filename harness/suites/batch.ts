/**
 * The batch half of the paper (tables 3, 4 and 5): scoring of a pinned snapshot beside the load and alone, training sets with
 * late labels, small files before and after compaction, backfill, rollback of what is served. Changes are few: the work is
 * in what lies in the tables.
 */
import { secondUs } from '../../workloads/durations.js';
import type { BatchStep } from '../batch/plan.js';
import type { Suite } from '../suite.js';
import { measuredScenario, soundness, threePlanes } from './measured.js';

const base = measuredScenario({
  name: 'batch',
  customers: 300_000,
  historyFacts: 3_000_000,
  changesPerSecond: 2_000,
  predictionsPerSecond: 50,
  lookupsPerSecond: 20,
  warmUpUs: secondUs,
  measureUs: 15 * secondUs,
  // No fault: one SLO of further load, in which the last measured changes are watched, and time for a rollback.
  faultUs: 12 * secondUs,
  drainUs: 20 * secondUs,
});

const slicePpm = 10_000;
const scorings = (snapshot: string, times: number): readonly BatchStep[] => [
  { kind: 'score', snapshot, times },
  { kind: 'score', snapshot, slicePpm, times },
];

export const batch: Suite = {
  name: 'batch',
  about:
    'three planes, 300,000 customers scored in batch, training sets, compaction, 2,000 changes/s (under 5 minutes)',
  scenarios: [
    {
      ...base,
      faults: [],
      batch: {
        labels: { rows: 20_000, positivePpm: 120_000, latePpm: 100_000 },
        besideLoad: [{ kind: 'snapshot', name: 'beside the load' }, ...scorings('beside the load', 5)],
        afterWindow: [
          { kind: 'publish-model', version: 2 },
          { kind: 'rollback', snapshot: 'beside the load', heldUs: 3 * secondUs },
        ],
        afterLoad: [
          { kind: 'snapshot', name: 'after the load' },
          ...scorings('after the load', 10),
          // Once more what was scored while changes came in: the same pins, the same rows.
          ...scorings('beside the load', 1),
          { kind: 'training-set', late: false, times: 1 },
          { kind: 'training-set', late: true, times: 2 },
        ],
      },
    },
  ],
  arms: threePlanes,
  repetitions: 1,
  thresholds: [
    ...soundness,
    { metric: 'scoring.wrong_rows', statistic: 'total', kind: 'absolute', atMost: 0 },
    { metric: 'scoring.reproducibility', statistic: 'share', kind: 'absolute', atLeast: 1 },
    { metric: 'training.leaks', statistic: 'total', kind: 'absolute', atMost: 0 },
    { metric: 'training.wrong_rows', statistic: 'total', kind: 'absolute', atMost: 0 },
    // The plane's own goal: the time of a switch, not of a restore.
    { metric: 'rollback.time', statistic: 'mean', kind: 'absolute', atMost: 5 * secondUs },
    { metric: 'rollback.mixed_rows', statistic: 'total', kind: 'absolute', atMost: 0 },
    { metric: 'rollback.wrong_rows', statistic: 'total', kind: 'absolute', atMost: 0 },
    { metric: 'scoring.throughput', statistic: 'mean', kind: 'relative', margin: 0.25 },
    { metric: 'scoring.scan_amplification', statistic: 'mean', kind: 'relative', margin: 0.1 },
    { metric: 'backfill.time_per_tb', statistic: 'mean', kind: 'relative', margin: 0.25 },
  ],
};
