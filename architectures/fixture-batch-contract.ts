/** What batch work of every plane must be, as tests: on the real servers and tables, row for row against the oracle. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Plane, ScoredRows, SnapshotRef, TrainingRow } from '../harness/architecture.js';
import { type LabelFiles, writeLabels } from '../harness/batch/label-files.js';
import { type Oracle, openOracle } from '../harness/ledger/oracle.js';
import { type EmissionIndex, loadEmissions } from '../workloads/emissions.js';
import { generateLabels } from '../workloads/labels.js';
import { predict, scorePpb } from '../workloads/model.js';
import type { TraceInfo } from '../workloads/trace.js';

export interface BatchUnderTest {
  readonly plane: Plane;
  readonly info: TraceInfo;
  readonly traceDirectory: string;
  /** Appends entries `from` to `to` of the trace, and resolves when batch work finds all of them. */
  take(from: number, to: number): Promise<void>;
  close(): Promise<void>;
}

/** Entries of the trace that come before the first batch work; the rest comes after it. */
const firstEntries = 40;

/** `open`: a plane that has loaded the history of a small trace. */
export function batchContract(name: string, open: () => Promise<BatchUnderTest>): void {
  describe(`batch work of ${name}`, () => {
    let underTest: BatchUnderTest;
    let plane: Plane;
    let oracle: Oracle;
    let emissions: EmissionIndex;
    let folder: string;
    let labels: LabelFiles;
    let early: { readonly snapshot: SnapshotRef; readonly scored: Scored[]; readonly training: TrainingRow[] };

    beforeAll(async () => {
      underTest = await open();
      plane = underTest.plane;
      const { traceDirectory } = underTest;
      oracle = await openOracle(traceDirectory);
      emissions = await loadEmissions(traceDirectory);
      folder = await mkdtemp(join(tmpdir(), 'labels-'));
      const { workload, seed, epochUs, durationUs } = underTest.info;
      labels = await writeLabels(
        folder,
        generateLabels({
          labels: { rows: 3_000, positivePpm: 120_000, latePpm: 100_000 },
          workload,
          seed,
          startUs: epochUs,
          endUs: epochUs + durationUs,
        }),
      );
      await underTest.take(0, firstEntries);
      const snapshot = await plane.snapshot();
      early = {
        snapshot,
        scored: await scoredRows({ snapshot: snapshot.id }),
        training: await trainingRows({ id: 'early', labels: [labels.onTime] }),
      };
      await underTest.take(firstEntries, Number.POSITIVE_INFINITY);
    }, 300_000);

    afterAll(async () => {
      await underTest.close();
      await rm(folder, { recursive: true });
    });

    async function scoredRows(request: Parameters<Plane['score']>[0]): Promise<Scored[]> {
      const { table, version, rows } = await plane.score(request);
      const found = await collectScored(plane.scoredRows({ table, version }));
      expect(found.length).toBe(rows);
      return found;
    }

    async function trainingRows(request: Parameters<Plane['trainingSet']>[0]): Promise<TrainingRow[]> {
      const { id, table, version, rows } = await plane.trainingSet(request);
      const found = await collectTraining(plane.trainingRows({ table, version }));
      expect([id, found.length]).toEqual([request.id, rows]);
      return found;
    }

    async function expectModel(rows: readonly Scored[]): Promise<void> {
      const expected = await oracle.evaluate(rows);
      expect(rows.map((row) => row.scorePpb)).toEqual(expected.map((features) => scorePpb(predict(features))));
    }

    it('scores every customer of a snapshot as the model does, at the last change of each', async () => {
      const snapshot = await plane.snapshot();
      expect(snapshot).toMatchObject({ rows: underTest.info.contract.customers, viewVersion: 1, modelVersion: 1 });
      const rows = await scoredRows({ snapshot: snapshot.id });
      expect(rows.map(({ customer }) => customer)).toEqual(
        Array.from({ length: underTest.info.contract.customers }, (_, customer) => customer),
      );
      expect(rows.map(({ lastSeq }) => lastSeq)).toEqual(rows.map(({ customer }) => emissions.highestSeq(customer)));
      expect(new Set(rows.map((row) => row.asOfUs))).toEqual(new Set([snapshot.asOfUs]));
      await expectModel(rows);
    });

    it('scores a slice, and a snapshot of a time before as it was then', async () => {
      const { id } = await plane.snapshot();
      expect(id).not.toBe(early.snapshot.id);
      const whole = await scoredRows({ snapshot: id });
      expect(await scoredRows({ snapshot: id, customers: { from: 10, to: 20 } })).toEqual(whole.slice(10, 20));
      expect(await scoredRows({ snapshot: early.snapshot.id })).toEqual(early.scored);
      expect(early.scored).not.toEqual(whole);
      await expectModel(early.scored);
    });

    it('says which snapshot there is not', async () => {
      for (const snapshot of ['none', '0', '1000000'])
        await expect(plane.score({ snapshot })).rejects.toThrow(`there is no snapshot ${snapshot}`);
    });

    it('gives each label the features of its moment, late labels too', async () => {
      const rows = await trainingRows({ id: 'both', labels: [labels.onTime, labels.late] });
      expect(rows.length).toBe(3_000);
      const committedBy = (customer: number, atUs: number) => {
        let seq = emissions.highestSeq(customer);
        while (seq > 0 && emissions.commitUs(customer, seq) > atUs) seq--;
        return seq;
      };
      expect(rows.map(({ lastSeq }) => lastSeq)).toEqual(
        rows.map(({ customer, labelUs }) => committedBy(customer, labelUs)),
      );
      expect(rows.every(({ asOfUs, labelUs }) => asOfUs === labelUs)).toBe(true);
      expect(rows.map(({ features }) => features)).toEqual(await oracle.evaluate(rows));
      // The trace has deletions and updates, so that a label before one and a label after it differ.
      expect(new Set(rows.map(({ lastSeq }) => lastSeq)).size).toBeGreaterThan(20);
    });

    it('makes a training set again of what there was the first time, or says why it cannot', async () => {
      expect(await trainingRows({ id: 'early', labels: [labels.onTime] })).toEqual(early.training);
      expect(await trainingRows({ id: 'now', labels: [labels.onTime] })).not.toEqual(early.training);
      await expect(plane.trainingSet({ id: 'early', labels: [labels.late] })).rejects.toThrow('choose another id');
    });
  });
}

interface Scored {
  readonly customer: number;
  readonly lastSeq: number;
  readonly asOfUs: number;
  readonly scorePpb: number;
}

async function collectScored(pages: AsyncIterable<ScoredRows>): Promise<Scored[]> {
  const rows: Scored[] = [];
  for await (const { customers, lastSeqs, asOfUs, scoresPpb } of pages)
    for (const [i, customer] of customers.entries())
      rows.push({ customer, lastSeq: lastSeqs[i]!, asOfUs: asOfUs[i]!, scorePpb: scoresPpb[i]! });
  return rows.sort((a, b) => a.customer - b.customer);
}

async function collectTraining(pages: AsyncIterable<readonly TrainingRow[]>): Promise<TrainingRow[]> {
  const rows: TrainingRow[] = [];
  for await (const page of pages) rows.push(...page);
  return rows.sort((a, b) => a.labelId - b.labelId);
}
