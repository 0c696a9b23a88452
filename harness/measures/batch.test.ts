/** Batch measures of facts that can be worked out with pencil and paper. */
import { describe, expect, it } from 'vitest';
import { secondUs } from '../../workloads/durations.js';
import type { BatchFacts, BatchStepFact, RollbackFact, RunFacts } from '../record/facts.js';
import { sortSamples } from '../statistics/samples.js';
import { measureBatch } from './batch.js';
import type { Measure } from './measured.js';
import { plantRun } from './planted-run.js';

const step = (fact: Partial<BatchStepFact>): BatchStepFact => ({
  kind: 'score',
  besideLoad: false,
  part: 'whole',
  startedUs: 0,
  hostUs: secondUs,
  rows: 1_000,
  scanned: { liveBytes: 100, requestedBytes: 110, readBytes: 120 },
  failure: null,
  ...fact,
});

const rollback = (fact: Partial<RollbackFact>): RollbackFact => ({
  snapshot: 's',
  back: { requestedUs: 0, seenUs: null, notBeforeUs: 0, watchedUntilUs: 1 },
  forward: { requestedUs: 10_000, seenUs: 10_500, notBeforeUs: 10_200, watchedUntilUs: 10_500 },
  probes: 10,
  unanswered: 0,
  checked: 100,
  mixed: 0,
  wrong: 0,
  ...fact,
});

const inventory = (smallFiles: number) => ({
  files: 40,
  bytes: 1,
  rows: 2_000_000,
  smallFiles,
  smallFileBytes: 1 << 20,
});

const facts: BatchFacts = {
  steps: [
    step({ kind: 'snapshot', part: null, hostUs: 4 * secondUs, scanned: null }),
    step({}),
    step({ hostUs: 3 * secondUs, scanned: { liveBytes: 100, requestedBytes: 110, readBytes: 100 } }),
    step({ besideLoad: true, hostUs: 10 * secondUs }),
    step({ part: 'slice', rows: 10, scanned: { liveBytes: 10, requestedBytes: 20, readBytes: 30 } }),
    step({ kind: 'training-set', part: null, rows: 500, scanned: null }),
  ],
  scored: { checked: 1_000, wrong: 3 },
  training: { checked: 500, wrong: 4, leaked: 2, labels: 500, positives: 60 },
  rebuilt: { scored: { times: 3, same: 3 }, training: { times: 1, same: 0 } },
  reprocessings: [
    {
      customers: 3,
      changes: 9,
      assets: [
        { table: 'features', recomputedRows: 3, rows: 40, rewrittenFiles: 1, files: 4 },
        { table: 'training', recomputedRows: 7, rows: 60, rewrittenFiles: 1, files: 1 },
      ],
      untouched: [],
      checked: 100,
      left: 2,
      disturbed: 1,
      mistold: ['training'],
    },
  ],
  rollbacks: [
    rollback({ back: { requestedUs: 0, seenUs: 2_000, notBeforeUs: 1_000, watchedUntilUs: 9_000 }, mixed: 1 }),
    rollback({ back: { requestedUs: 5_000, seenUs: 9_000, notBeforeUs: 1_000, watchedUntilUs: 9_000 }, wrong: 2 }),
  ],
  inventories: { mostSmallFiles: inventory(30), atRest: inventory(3) },
  examples: [],
};

function measured(batch: BatchFacts | null, isAsked = true): ReturnType<typeof measureBatch> {
  const run = plantRun();
  const scenario = { ...run.plan.scenario, ...(isAsked ? { batch: {} } : {}) };
  return measureBatch({ ...run, plan: { ...run.plan, scenario }, batch } as RunFacts);
}

const figureOf = (measure: Measure) =>
  measure.kind === 'ratio' ? measure.numerator / measure.denominator : (measure as { count: number }).count;

describe('batch work', () => {
  const measures = measured(facts);

  it.each([
    // 2,000 rows in 4 s; the one beside the load has its own figure.
    ['scoring.throughput', 500],
    ['scoring.throughput_beside_load', 100],
    ['scoring.snapshot_throughput', 250],
    ['scoring.scan_amplification', 1.1],
    ['scoring.scan_amplification_requested', 1.1],
    ['scoring.slice_scan_amplification', 3],
    ['scoring.slice_scan_amplification_requested', 2],
    ['scoring.wrong_rows', 3],
    ['scoring.reproducibility', 0.75],
    ['training.rows_per_s', 500],
    ['training.leaks', 2],
    ['training.wrong_rows', 4],
    ['reprocess.rows', 0.1],
    ['reprocess.files', 0.4],
    ['reprocess.wrong_rows', 4],
    ['rollback.mixed_rows', 1],
    ['rollback.wrong_rows', 2],
    ['storage.small_files_before_compaction', 15],
    ['storage.small_file_reduction', 0.9],
  ] as const)('%s is %d', (name, value) => expect(figureOf(measures[name])).toBeCloseTo(value, 9));

  it('times a rollback from the request to the probe that saw it; one that none saw is censored', () => {
    expect(measures['rollback.time']).toMatchObject({ samples: sortSamples([2_000, 4_000]) });
    expect(measures['rollback.forward_time']).toMatchObject({ samples: sortSamples([500, 500]) });
    const unseen = measured({ ...facts, rollbacks: [rollback({ forward: null })] });
    expect(unseen['rollback.time']).toMatchObject({ samples: sortSamples([], [1]) });
    expect(measured({ ...facts, rollbacks: [], reprocessings: [] })['rollback.time']).toMatchObject({
      why: 'not_offered',
    });
    const failed = {
      ...facts,
      rollbacks: [],
      reprocessings: [],
      steps: [step({ kind: 'snapshot', failure: 'no disk' })],
    };
    expect(measured(failed)['rollback.time']).toMatchObject({ why: 'not_measured', note: 'no disk' });
  });

  it('that nobody asked for is not measured, that the plane has not is not offered', () => {
    for (const measure of Object.values(measured(null, false))) expect(measure).toMatchObject({ why: 'not_measured' });
    for (const measure of Object.values(measured(null))) expect(measure).toMatchObject({ why: 'not_offered' });
  });

  it('that was not answered is not measured, and says why', () => {
    const failed = { ...facts, steps: facts.steps.map((done) => ({ ...done, rows: 0, failure: 'no disk' })) };
    const { 'scoring.throughput': rate, 'training.leaks': leaks } = measured(failed);
    expect(rate).toEqual({ kind: 'absent', why: 'not_measured', note: 'no disk' });
    expect(leaks).toEqual({ kind: 'absent', why: 'not_measured', note: 'no disk' });
  });

  it('of which the plane does not tell what it read has no amplification', () => {
    const silent = { ...facts, steps: facts.steps.map((done) => ({ ...done, scanned: null })) };
    expect(measured(silent)['scoring.scan_amplification']).toMatchObject({ kind: 'absent' });
  });
});
