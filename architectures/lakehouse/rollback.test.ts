/** Rolling back what is served, on the real online store and tables, watched by reads that never pause. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Plane, SnapshotRef } from '../../harness/architecture.js';
import { type Oracle, openOracle } from '../../harness/ledger/oracle.js';
import { seededRandom } from '../../harness/random.js';
import type { Prediction } from '../../workloads/feature-view.js';
import { modelOf, predict } from '../../workloads/model.js';
import { historyFiles } from '../../workloads/trace.js';
import { openWorld, type World } from '../fixture-world.js';
import { featuresTable } from './batch-tables.js';
import { isDrained, type RunningRole, startRole } from './fixture-role.js';
import { servedTable } from './tables.js';

let world: World;
let oracle: Oracle;
let keys: readonly string[];
let stream: RunningRole;
let batch: RunningRole;
let serving: RunningRole;
let plane: Plane;
/** Of the first half of the changes, model 1. */
let earlier: SnapshotRef;

const half = 200;

beforeAll(async () => {
  world = await openWorld(11);
  oracle = await openOracle(world.traceDirectory);
  keys = Array.from({ length: world.contract.customers }, (_, customer) => String(customer));
  stream = startRole(world, 'stream', { batchIntervalUs: 1_000 }, seededRandom(1));
  batch = startRole(world, 'batch', {}, seededRandom(2));
  serving = startRole(world, 'serving', { cacheTtlUs: 0 }, seededRandom(3));
  plane = { ...(await stream.serving), ...(await batch.serving), ...(await serving.serving) } as Plane;
  await plane.backfill({ files: historyFiles(world.traceDirectory) });
  await world.append(0, half);
  await drained();
  earlier = await plane.snapshot();
}, 60_000);

afterAll(async () => {
  for (const role of [stream, batch, serving]) await role.stop();
  await world.close();
});

async function drained(): Promise<void> {
  while (!(await isDrained(world))) await world.clock.sleep(5_000);
}

/** Reads every customer again and again, beside `work` and once after it. */
async function readThroughout(work: () => Promise<void>): Promise<Prediction[]> {
  const read: Prediction[] = [];
  let isDone = false;
  const reading = (async () => {
    for (let isLast = false; !isLast; await world.clock.sleep(500)) {
      isLast = isDone;
      read.push(...(await plane.predict({ keys })));
    }
  })();
  await work();
  isDone = true;
  await reading;
  return read;
}

const versionOf = ({ key, lastSeq, asOfUs }: Prediction) => ({ customer: Number(key), lastSeq, asOfUs });

/** Features and model of one state, and the score that follows from both. */
async function expectUnmixed(predictions: readonly Prediction[]): Promise<void> {
  const features = await oracle.evaluate(predictions.map(versionOf));
  predictions.forEach(({ score, modelVersion, asOfUs }, i) => {
    expect(modelVersion).toBe(asOfUs === earlier.asOfUs ? 1 : 2);
    expect(score).toBe(predict(features[i] as (number | null)[], modelOf(modelVersion)));
  });
}

describe('a rollback', () => {
  it('brings features and model back together; no read in between mixes the two', async () => {
    expect(earlier.modelVersion).toBe(1);
    expect(await plane.publishModel({ version: 2 })).toEqual({ snapshot: null, modelVersion: 2 });
    await world.append(half, 2 * half);
    await drained();
    const read = await readThroughout(async () => {
      const answer = await plane.rollback({ snapshot: earlier.id });
      expect(answer).toEqual({ snapshot: earlier.id, modelVersion: 1 });
    });
    await expectUnmixed(read);
    expect(new Set(read.map(({ modelVersion }) => modelVersion))).toEqual(new Set([1, 2]));
    const rows = await plane.lookup({ keys });
    expect(rows.every(({ asOfUs }) => asOfUs === earlier.asOfUs)).toBe(true);
    expect(rows.map(({ features }) => features)).toEqual(
      await oracle.evaluate(rows.map((row) => ({ ...row, customer: Number(row.key) }))),
    );
    const [stranger] = await plane.lookup({ keys: ['999999'] });
    expect(stranger).toMatchObject({ lastSeq: 0, asOfUs: earlier.asOfUs });
    expect(stranger?.features[0]).toBe(0);
  });

  it('is accounted for: what is served comes from a snapshot and a model', async () => {
    const events = (await plane.lineage()).filter(({ outputs }) => outputs.some(({ name }) => name === servedTable));
    const inputs = events.map((event) =>
      event.inputs.map(({ name, facets }) => [name, facets.version?.datasetVersion]),
    );
    expect(inputs).toContainEqual([
      ['model', String(earlier.modelVersion)],
      [featuresTable, String(earlier.tables[featuresTable])],
    ]);
  });

  it('outlives the process that serves, and stores that answer badly', async () => {
    const before = await plane.lookup({ keys });
    await serving.stop();
    serving = startRole(world, 'serving', { cacheTtlUs: 0 }, seededRandom(4), {
      failed: 200,
      indeterminate: 200,
      death: 0,
    });
    plane = { ...plane, ...(await serving.serving) };
    expect(await plane.lookup({ keys })).toEqual(before);
    expect((await plane.predict({ keys: ['0'] }))[0]).toMatchObject({ modelVersion: 1, asOfUs: earlier.asOfUs });
  });

  it('outlives the store that remembers it: it is put there again before whoever serves next asks', async () => {
    const { onlineStore } = world.ports;
    await onlineStore.drop(servedTable);
    while ((await onlineStore.scan(servedTable, null, 1)).length === 0) await world.clock.sleep(50_000);
    await serving.stop();
    serving = startRole(world, 'serving', { cacheTtlUs: 0 }, seededRandom(6));
    plane = { ...plane, ...(await serving.serving) };
    expect((await plane.predict({ keys: ['0'] }))[0]).toMatchObject({ modelVersion: 1, asOfUs: earlier.asOfUs });
  });

  it('keeps nothing from being taken in: rolled forward, everything is there, with the newest model', async () => {
    await world.append(2 * half, 10_000);
    await drained();
    const ofNow = await plane.snapshot();
    expect(ofNow.modelVersion).toBe(2);
    const before = await plane.lookup({ keys });
    expect(before.every(({ asOfUs }) => asOfUs === earlier.asOfUs)).toBe(true);
    await serving.stop();
    serving = startRole(world, 'serving', { cacheTtlUs: 0 }, seededRandom(5));
    plane = { ...plane, ...(await serving.serving) };
    const read = await readThroughout(async () => {
      expect(await plane.rollForward()).toEqual({ snapshot: null, modelVersion: 2 });
    });
    await expectUnmixed(read);
    const after = await plane.predict({ keys });
    const highest = world.truth.ofCustomer.map((changes) => Math.max(0, ...changes.map(({ seq }) => seq)));
    expect(after.map(({ lastSeq }) => lastSeq)).toEqual(highest);
    expect(after.some(({ lastSeq }, i) => lastSeq > (before[i]?.lastSeq as number))).toBe(true);
  });

  it('to what is not there changes nothing, and says so', async () => {
    await expect(plane.rollback({ snapshot: 'none' })).rejects.toThrow('there is no snapshot none');
    await expect(plane.publishModel({ version: 7 })).rejects.toThrow('there is no version 7; there are 1, 2');
    expect((await plane.predict({ keys: ['0'] }))[0]?.modelVersion).toBe(2);
  });

  it('goes to the snapshot that was asked for, though another one has the same moment', async () => {
    // While nothing comes a clock is not believed for long: both snapshots are of the same moment and the same tables.
    await batch.stop();
    batch = startRole(world, 'batch', { clockToleranceUs: 1_000 }, seededRandom(7));
    plane = { ...plane, ...(await batch.serving) };
    const taken: SnapshotRef[] = [];
    for (const version of [2, 1]) {
      await plane.publishModel({ version });
      taken.push(await plane.snapshot());
    }
    const [two, one] = taken as [SnapshotRef, SnapshotRef];
    expect(one.asOfUs).toBe(two.asOfUs);
    expect(await plane.rollback({ snapshot: two.id })).toEqual({ snapshot: two.id, modelVersion: 2 });
    expect(await plane.rollback({ snapshot: one.id })).toEqual({ snapshot: one.id, modelVersion: 1 });
    await plane.rollForward();
  });
});
