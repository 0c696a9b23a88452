/** Batch measures of facts that can be worked out with pencil and paper. */
import { describe, expect, it } from 'vitest';
import { secondUs } from '../../workloads/durations.js';
import type { BatchFacts, BatchStepFact, RollbackFact, RunFacts } from '../record/facts.js';
import { sortSamples } from '../statistics/samples.js';
import { measureBatch } from './batch.js';
import type { Measure } from './measured.js';
import { loadEndUs, plantRun } from './planted-run.js';

const step = (fact: Partial<BatchStepFact>): BatchStepFact => ({
  kind: 'score',
  besideLoad: false,
  part: 'whole',
  startedUs: 0,
  hostUs: secondUs,
  rows: 1_000,
  isRepeat: false,
  scanned: { liveBytes: 100, requestedBytes: 110, readBytes: 120 },
  failure: null,
  ...fact,
});

const rollback = (fact: Partial<RollbackFact>): RollbackFact => ({
  snapshot: 's',
  besideLoad: true,
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
  notOffered: [],
  caughtUp: true,
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
      unjudged: null,
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
    ['scoring.not_reproduced', 1],
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
    const failed = step({ kind: 'rollback', part: null, rows: 0, failure: 'snapshot "s" was not taken: no disk' });
    const { 'rollback.time': none } = measured({ ...facts, rollbacks: [], steps: [failed] });
    expect(none).toMatchObject({ why: 'not_measured', note: 'snapshot "s" was not taken: no disk' });
  });

  it('that came after the load tells nothing of work beside it, and what lies within counts by that part', () => {
    const beside = (startedUs: number) => step({ besideLoad: true, startedUs, hostUs: secondUs, rows: 1_000 });
    const ended = { kind: 'absent', why: 'not_measured', note: 'the load had ended' };
    const { 'scoring.throughput_beside_load': some } = measured({
      ...facts,
      steps: [beside(loadEndUs - secondUs), beside(loadEndUs - secondUs / 4), beside(loadEndUs)],
    });
    expect(some).toEqual({
      kind: 'ratio',
      numerator: 1_250,
      denominator: 1.25,
      samples: 2,
      note: '1 ended after the load and count by their part within it; 1 came after the load and are left out',
    });
    expect(measured({ ...facts, steps: [beside(loadEndUs)] })['scoring.throughput_beside_load']).toEqual(ended);
    const times = (requestedUs: number) => ({
      requestedUs,
      seenUs: requestedUs + 5,
      notBeforeUs: 0,
      watchedUntilUs: 0,
    });
    const late = rollback({ back: times(loadEndUs), forward: times(loadEndUs + 9) });
    const { 'rollback.time': time, 'rollback.wrong_rows': wrong } = measured({ ...facts, rollbacks: [late] });
    expect([time, wrong]).toEqual([ended, ended]);
    // What is wrong is wrong.
    const broken = measured({ ...facts, rollbacks: [{ ...late, wrong: 2 }] });
    expect(figureOf(broken['rollback.wrong_rows'])).toBe(2);
    const planned = measured({ ...facts, rollbacks: [{ ...late, besideLoad: false }] });
    expect(planned['rollback.time']).toMatchObject({ samples: sortSamples([5]) });
    const begun = measured({ ...facts, rollbacks: [{ ...late, back: times(loadEndUs - 1) }] });
    expect(begun['rollback.time']).toMatchObject({ samples: sortSamples([5]) });
    expect(begun['rollback.forward_time']).toMatchObject({ samples: sortSamples([5]) });
  });

  it('that failed cost its time', () => {
    const steps = [step({}), step({ hostUs: 3 * secondUs, rows: 0, failure: 'timed out', scanned: null })];
    const { 'scoring.throughput': rate, 'scoring.wrong_rows': wrong } = measured({ ...facts, steps });
    expect(rate).toEqual({ kind: 'ratio', numerator: 1_000, denominator: 4, samples: 1, note: '1 failed: timed out' });
    expect(wrong).toEqual({ kind: 'count', count: 3, note: '1 failed: timed out' });
  });

  it('that was answered with what had been answered before is no work', () => {
    const steps = [step({ hostUs: 2 * secondUs }), step({ hostUs: 1, isRepeat: true })];
    expect(measured({ ...facts, steps })['scoring.throughput']).toEqual({
      kind: 'ratio',
      numerator: 1_000,
      denominator: 2,
      samples: 1,
      note: '1 answers had been given before and are left out',
    });
    const { 'scoring.throughput': rate } = measured({ ...facts, steps: steps.slice(1) });
    expect(rate).toMatchObject({ why: 'not_measured', note: 'every answer was one that had been given before' });
  });

  it('says what could not be checked of a plane that had not caught up', () => {
    expect(measured({ ...facts, caughtUp: false })['scoring.wrong_rows']).toEqual({
      kind: 'count',
      count: 3,
      note: 'the plane had not caught up: that rows are of the last change was not checked',
    });
  });

  it('of a renewed snapshot that was not seen is no pass', () => {
    const [reprocessing] = facts.reprocessings;
    const unseen = { ...reprocessing, unjudged: 'timed out', left: 0, disturbed: 0, mistold: [] } as const;
    const wrongOf = (change: object) =>
      measured({ ...facts, reprocessings: [{ ...unseen, ...change } as (typeof facts.reprocessings)[number]] })[
        'reprocess.wrong_rows'
      ];
    expect(wrongOf({})).toEqual({ kind: 'absent', why: 'not_measured', note: 'timed out' });
    expect(wrongOf({ left: 1 })).toEqual({ kind: 'count', count: 1, note: 'timed out' });
    expect(wrongOf({ unjudged: null })).toEqual({ kind: 'count', count: 0 });
  });

  it('that nobody asked for is not measured, that the plane has not is not offered', () => {
    for (const measure of Object.values(measured(null, false))) expect(measure).toMatchObject({ why: 'not_measured' });
    for (const measure of Object.values(measured(null))) expect(measure).toMatchObject({ why: 'not_offered' });
    const none: BatchFacts = {
      ...facts,
      steps: [],
      rebuilt: { scored: { times: 0, same: 0 }, training: { times: 0, same: 0 } },
      rollbacks: [],
      reprocessings: [],
    };
    const names = [
      'scoring.throughput',
      'scoring.wrong_rows',
      'training.leaks',
      'rollback.time',
      'reprocess.rows',
    ] as const;
    const kinds = ['score', 'training-set', 'rollback', 'reprocess'] as const;
    const why = (batch: BatchFacts) => names.map((name) => (measured(batch)[name] as { why?: string }).why);
    expect(why(none)).toEqual(names.map(() => 'not_measured'));
    expect(why({ ...none, notOffered: kinds })).toEqual(names.map(() => 'not_offered'));
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
