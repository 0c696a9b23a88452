import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { minuteUs, secondUs } from '../../workloads/durations.js';
import { customerActivity } from '../../workloads/feature-view.js';
import { seededRandom } from '../random.js';
import { chooseSample, createLiveSample, readLiveSample, type SampleRules } from './live-sample.js';
import { epochUs, order, slotUs, writeTrace } from './trace.fixture.js';

const rules: SampleRules = { customers: 10, uniformPpm: 0, boundaryUs: 1000, deletedUs: 5000, perSecond: 3 };
const choose = (given: Partial<SampleRules>) => chooseSample({ ...rules, ...given }, seededRandom(1));
const middle = epochUs + 30 * secondUs;

describe('the choice of live reads', () => {
  it('draws the asked share, and the same for the same seed', () => {
    const [first, second] = [choose({ uniformPpm: 100_000 }), choose({ uniformPpm: 100_000 })];
    const logged = Array.from({ length: 20_000 }, (_, i) => first.shouldLog(1, middle + i));
    expect(logged).toEqual(logged.map((_, i) => second.shouldLog(1, middle + i)));
    const share = logged.filter((is) => is).length / logged.length;
    expect(Math.abs(share - 0.1)).toBeLessThan(0.01);
  });

  it('takes reads just after a tile boundary, and none before it or later', () => {
    const choice = choose({});
    const at = (afterUs: number) => choice.shouldLog(1, epochUs + minuteUs + afterUs);
    expect([at(-1), at(0), at(999), at(1000)]).toEqual([false, true, true, false]);
  });

  it('takes reads of a key from which something was just deleted, and of no other', () => {
    const choice = choose({});
    choice.noteDelete(4, middle);
    expect(choice.shouldLog(4, middle + 4999)).toBe(true);
    expect(choice.shouldLog(5, middle + 4999)).toBe(false);
    expect(choice.shouldLog(4, middle + 5000)).toBe(false);
    expect(choice.shouldLog(4, middle - 1)).toBe(false);
  });

  it('bounds what a stratum adds in a second, and begins anew in the next', () => {
    const choice = choose({ deletedUs: 10 * secondUs });
    choice.noteDelete(4, middle);
    const logged = (fromUs: number) =>
      Array.from({ length: 10 }, (_, i) => choice.shouldLog(4, fromUs + i)).filter((is) => is).length;
    expect(logged(middle)).toBe(3);
    expect(logged(middle + secondUs)).toBe(3);
  });
});

describe('the live sample', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'planebench-live-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  it('logs rows whole, of deleted keys from the emission of the deletion on', async () => {
    const placed = order(1, 2, epochUs - 1);
    const info = await writeTrace(join(directory, 'trace'), {
      customers: 3,
      history: { orders: [placed] },
      changes: [
        {
          customer: 2,
          seq: 1,
          table: 'orders',
          before: placed,
          after: null,
          commitUs: middle,
          emitUs: middle + slotUs,
        },
      ],
    });
    const path = join(directory, 'live');
    const lookup = { ...info.workload.reads.lookup, perSecond: 100_000_000 };
    const predict = { ...info.workload.reads.predict, perSecond: 1, keysPerCall: 1 };
    const workload = { ...info.workload, reads: { ...info.workload.reads, lookup, predict } };
    const sample = await createLiveSample(path, {
      seed: 1,
      workload,
      trace: join(directory, 'trace'),
      loadUs: 1_000_000,
    });
    const features = customerActivity.features.map((_, i) => (i % 3 === 0 ? null : i));
    const row = (customer: number) => ({ key: String(customer), lastSeq: 1, asOfUs: middle, features });
    sample.offer(row(2), middle + slotUs - 1, middle + slotUs);
    sample.offer(row(2), middle + slotUs, middle + 2 * slotUs);
    sample.offer(row(1), middle + slotUs, middle + 2 * slotUs);
    // So few predictions that all are in the sample.
    const prediction = { key: '1', lastSeq: 1, asOfUs: middle, score: 0.25, modelVersion: 2 };
    sample.offer(prediction, middle + slotUs, middle + 2 * slotUs);
    await sample.close();
    const doneUs = middle + 2 * slotUs;
    expect(await readLiveSample(path)).toEqual({
      rows: [{ ...row(2), doneUs }],
      predictions: [{ ...prediction, doneUs }],
    });
  });
});
