/** Batch work on the real tables, row for row against the oracle. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Plane, ScoredRows, TrainingRow } from '../../harness/architecture.js';
import { type LabelFiles, writeLabels } from '../../harness/batch/label-files.js';
import { type Oracle, openOracle } from '../../harness/ledger/oracle.js';
import { seededRandom } from '../../harness/random.js';
import { loadEmissions } from '../../workloads/emissions.js';
import { generateLabels } from '../../workloads/labels.js';
import { predict, scorePpb } from '../../workloads/model.js';
import { historyFiles } from '../../workloads/trace.js';
import { openWorld, type World } from '../fixture-world.js';
import { startRole } from './fixture-role.js';
import { changesTable, streamTxn } from './tables.js';

let world: World;
let oracle: Oracle;
let folder: string;
let labels: LabelFiles;
let plane: Plane;
let stop: () => Promise<void>;

beforeAll(async () => {
  world = await openWorld(11);
  oracle = await openOracle(world.traceDirectory);
  folder = await mkdtemp(join(tmpdir(), 'labels-'));
  const { workload, seed, epochUs, durationUs } = world.info;
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
  const stream = startRole(world, 'stream', { batchIntervalUs: 1_000 }, seededRandom(1));
  await (await stream.serving).backfill?.({ files: historyFiles(world.traceDirectory) });
  await world.append(0, 10_000);
  while (!(await isDrained())) await world.clock.sleep(5_000);
  await stream.stop();
  const batch = startRole(world, 'batch', {}, seededRandom(2));
  plane = (await batch.serving) as Plane;
  stop = batch.stop;
}, 60_000);

afterAll(async () => {
  await stop();
  await world.close();
  await rm(folder, { recursive: true });
});

async function isDrained(): Promise<boolean> {
  const ends = await world.endOffsets();
  const txns = await world.ports.tables.txns(changesTable);
  return ends.every((end, partition) => (txns.get(streamTxn(partition)) ?? 0) === end);
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

describe('scoring', () => {
  it('scores every customer of a snapshot as the model does, at the last change of each', async () => {
    const snapshot = await plane.snapshot();
    const rows = await collectScored(plane.scoredRows(await plane.score({ snapshot: snapshot.id })));
    expect(rows.map(({ customer }) => customer)).toEqual(
      Array.from({ length: world.contract.customers }, (_, customer) => customer),
    );
    const emissions = await loadEmissions(world.traceDirectory);
    expect(rows.map(({ lastSeq }) => lastSeq)).toEqual(rows.map(({ customer }) => emissions.highestSeq(customer)));
    const expected = await oracle.evaluate(rows);
    expect(rows.map(({ scorePpb }) => scorePpb)).toEqual(expected.map((features) => scorePpb(predict(features))));
    expect(new Set(rows.map((row) => row.asOfUs))).toEqual(new Set([snapshot.asOfUs]));
  });

  it('scores a slice of it, and the same again', async () => {
    const { id } = await plane.snapshot();
    const whole = await collectScored(plane.scoredRows(await plane.score({ snapshot: id })));
    const request = { snapshot: id, customers: { from: 10, to: 20 } };
    const slice = await collectScored(plane.scoredRows(await plane.score(request)));
    expect(slice).toEqual(whole.slice(10, 20));
    await plane.snapshot();
    expect(await collectScored(plane.scoredRows(await plane.score({ snapshot: id })))).toEqual(whole);
  });

  it('says which snapshot there is not', async () => {
    await expect(plane.score({ snapshot: 'none' })).rejects.toThrow('there is no snapshot none');
  });
});

describe('training sets', () => {
  it('have the features of the moment of each label, late labels too', async () => {
    const rows = await collectTraining(
      plane.trainingRows(await plane.trainingSet({ id: 'both', labels: [labels.onTime, labels.late] })),
    );
    expect(rows.length).toBe(3_000);
    const emissions = await loadEmissions(world.traceDirectory);
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

  it('are the same when they are made again, and say so when they cannot be', async () => {
    const request = { id: 'on time', labels: [labels.onTime] };
    const first = await collectTraining(plane.trainingRows(await plane.trainingSet(request)));
    expect(await collectTraining(plane.trainingRows(await plane.trainingSet(request)))).toEqual(first);
    await expect(plane.trainingSet({ ...request, labels: [labels.late] })).rejects.toThrow('choose another id');
  });
});
