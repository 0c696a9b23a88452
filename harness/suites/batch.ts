/**
 * The batch half of the paper (tables 3, 4 and 5): scoring of a pinned snapshot beside the load and alone, training sets with
 * late labels, small files before and after compaction, backfill, rollback of what is served. Changes are few: the work is
 * in what lies in the tables.
 */
import { secondUs } from '../../workloads/durations.js';
import type { LabelWorkload } from '../../workloads/labels.js';
import type { BatchStep } from '../batch/plan.js';
import type { Threshold } from '../gate/thresholds.js';
import type { Suite } from '../suite.js';
import { measuredScenario, soundness, threePlanes } from './measured.js';

const base = measuredScenario({
  name: 'batch',
  customers: 1_000_000,
  historyFacts: 3_000_000,
  changesPerSecond: 4_000,
  predictionsPerSecond: 50,
  lookupsPerSecond: 20,
  warmUpUs: secondUs,
  measureUs: 15 * secondUs,
  // No fault: one SLO of further load, in which the last measured changes are watched, and time for a rollback.
  faultUs: 12 * secondUs,
  drainUs: 20 * secondUs,
});

const slicePpm = 10_000;
/** Of the whole population, and of a slice of it. */
export const scorings = (snapshot: string, times: number): readonly BatchStep[] => [
  { kind: 'score', snapshot, times },
  { kind: 'score', snapshot, slicePpm, times },
];

export const labels: LabelWorkload = { rows: 20_000, positivePpm: 120_000, latePpm: 100_000 };

/** What no plane may do in batch: exact, a count in every run. */
export const batchSoundness: readonly Threshold[] = [
  { metric: 'scoring.wrong_rows', statistic: 'total', kind: 'absolute', atMost: 0 },
  { metric: 'scoring.not_reproduced', statistic: 'total', kind: 'absolute', atMost: 0 },
  { metric: 'training.leaks', statistic: 'total', kind: 'absolute', atMost: 0 },
  { metric: 'training.wrong_rows', statistic: 'total', kind: 'absolute', atMost: 0 },
];

export const batch: Suite = {
  name: 'batch',
  about:
    'three planes, 1,000,000 customers scored in batch, training sets, compaction, 4,000 changes/s (about 5 minutes)',
  scenarios: [
    {
      ...base,
      faults: [],
      batch: {
        labels,
        besideLoad: [{ kind: 'snapshot', name: 'beside the load' }, ...scorings('beside the load', 5)],
        afterWindow: [
          { kind: 'publish-model', version: 2 },
          { kind: 'rollback', snapshot: 'beside the load', heldUs: 3 * secondUs },
        ],
        afterLoad: [
          { kind: 'snapshot', name: 'after the load' },
          ...scorings('after the load', 10),
          // Once more what was scored while changes came in: the same pins, the same rows. All customers last, so that what
          // is poisoned later was scored.
          ...scorings('beside the load', 1).toReversed(),
          { kind: 'training-set', late: false, times: 1 },
          { kind: 'training-set', late: true, times: 2 },
          // What a source sent of one customer in a thousand was wrong.
          { kind: 'reprocess', customers: 1_000 },
        ],
      },
    },
  ],
  arms: threePlanes,
  repetitions: 1,
  thresholds: [
    ...soundness,
    ...batchSoundness,
    // The plane's own goal: the time of a switch, not of a restore.
    { metric: 'rollback.time', statistic: 'mean', kind: 'absolute', atMost: 5 * secondUs },
    { metric: 'reprocess.wrong_rows', statistic: 'total', kind: 'absolute', atMost: 0 },
    { metric: 'rollback.mixed_rows', statistic: 'total', kind: 'absolute', atMost: 0 },
    { metric: 'rollback.wrong_rows', statistic: 'total', kind: 'absolute', atMost: 0 },
    { metric: 'scoring.throughput', statistic: 'mean', kind: 'relative', margin: 0.25 },
    { metric: 'scoring.scan_amplification', statistic: 'mean', kind: 'relative', margin: 0.1 },
    { metric: 'backfill.time_per_tb', statistic: 'mean', kind: 'relative', margin: 0.25 },
  ],
};
