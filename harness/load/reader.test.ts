/** The readers against planes of every speed and mood, in virtual time: every call that is due is made, told once, and as it was. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arrivalOffsets } from '../../workloads/arrivals.js';
import { secondUs } from '../../workloads/durations.js';
import { customerActivity } from '../../workloads/feature-view.js';
import { smallWorkload } from '../../workloads/fixture-workload.js';
import { generateTrace } from '../../workloads/trace-generation.js';
import type { Workload } from '../../workloads/workload.js';
import type { Plane } from '../architecture.js';
import type { Clock } from '../clock.js';
import { seededRandom } from '../random.js';
import { operationKinds, outcomes } from '../record/facts.js';
import { readRecording } from '../record/recordings.js';
import { defaultCosts } from '../simulation/costs.js';
import { createVirtualTime } from '../simulation/virtual-time.js';
import { createWorld } from '../simulation/world.js';
import { childOf } from './child.fixture.js';
import { readPlane } from './reader.js';
import { operationLayout, probeLayout, readLayout, recordingPaths } from './recorded.js';

const seed = 7;
const startUs = 1_768_478_400 * secondUs;
/** Time to make connections in. */
const epochUs = startUs + 60 * secondUs;
const loadUs = 4 * secondUs;
const timeoutUs = secondUs / 2;
const probeEveryUs = 50_000;
const small = smallWorkload({ customers: 100, lullUs: 0 });
const workload: Workload = {
  ...small,
  reads: {
    predict: { perSecond: 40, keysPerCall: 1, arrivals: { kind: 'poisson' } },
    lookup: { perSecond: 60, keysPerCall: 3, arrivals: { kind: 'poisson' } },
    timeoutUs,
    zipfMilli: 800,
  },
  panel: { customers: 4, everyUs: probeEveryUs },
};
const panel = [3, 1, 4, 15];

let folder: string;
let trace: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'planebench-reader-'));
  trace = join(folder, 'trace');
  await generateTrace({ workload, seed, epochUs, durationUs: loadUs, directory: trace });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const features = customerActivity.features.map(() => 0);
const rowOf = (key: string, asOfUs: number) => ({ key, lastSeq: 5, asOfUs, features });
const predictionOf = (key: string, asOfUs: number) => ({ key, lastSeq: 5, asOfUs, score: 0.5, modelVersion: 1 });

let readings = 0;

/** What is recorded of a plane that answers as `mood` says: throws, or resolves when it may answer. */
async function read(mood: (operation: 'lookup' | 'predict', clock: Clock, keys: readonly string[]) => Promise<void>) {
  const directory = join(folder, String(readings++));
  const paths = recordingPaths(directory);
  await mkdir(directory);
  const time = createVirtualTime();
  const nowUs = () => startUs + time.nowUs();
  const world = createWorld({ time, nowUs, costs: defaultCosts, parquet: () => [] });
  const plane = world.begin('plane', nowUs);
  const { task, clock } = world.begin('reader', nowUs);
  const told = childOf(clock, { host: (work) => time.host(work), wait: (work) => task.wait('the start', work) });
  const operations: Pick<Plane, 'lookup' | 'predict'> = {
    async lookup({ keys }) {
      await mood('lookup', plane.clock, keys);
      return keys.map((key) => rowOf(key, plane.clock.nowUs()));
    },
    async predict({ keys }) {
      await mood('predict', plane.clock, keys);
      return keys.map((key) => predictionOf(key, plane.clock.nowUs()));
    },
  };
  await time.run(async () => {
    const port = await world.door.serve(plane.clock, operations, 0);
    await readPlane(
      {
        connection: { stack: 'simulated', world },
        routes: { lookup: port, predict: port },
        ...{ trace, workload, panel, seed, epochUs, loadUs, recordings: paths },
      },
      told.child,
    );
  });
  const calls = await readRecording(paths.operations, operationLayout);
  return {
    errors: told.errors,
    reads: await readRecording(paths.reads, readLayout),
    probes: await readRecording(paths.probes, probeLayout),
    /** In the order in which they were due. */
    calls: Array.from({ length: calls.rows }, (_, i) => ({
      number: calls.operation[i]!,
      kind: operationKinds[calls.kind[i]!]!,
      intendedUs: calls.intendedUs[i]! - epochUs,
      sentUs: calls.sentUs[i]! - epochUs,
      doneUs: calls.doneUs[i]! - epochUs,
      outcome: outcomes[calls.outcome[i]!]!,
    })).sort((a, b) => a.number - b.number),
  };
}

/** When calls of a kind are due. */
function dueUs(kind: 'lookup' | 'predict'): number[] {
  const { perSecond, arrivals } = workload.reads[kind];
  const due: number[] = [];
  for (const us of arrivalOffsets(perSecond, arrivals, seededRandom(seed, '/reads').fork(kind).fork('arrivals'))) {
    if (us >= loadUs) return due;
    due.push(us);
  }
  return due;
}

type Calls = Awaited<ReturnType<typeof read>>['calls'];
const ofKind = (calls: Calls, kind: string) => calls.filter((call) => call.kind === kind);

function expectAsDue(calls: Calls): void {
  for (const kind of ['lookup', 'predict'] as const) {
    const due = dueUs(kind);
    expect(due.length).toBeGreaterThan(100);
    expect(ofKind(calls, kind).map(({ intendedUs }) => intendedUs)).toEqual(due);
  }
}

describe('a reader', () => {
  it('makes every call when it is due, however the calls before are answered', async () => {
    // Slower than the gaps between calls: a closed loop would wait.
    const { calls, reads, errors } = await read((_, clock) => clock.sleep(200_000));
    expectAsDue(calls);
    expect(calls.filter(({ intendedUs, sentUs }) => sentUs !== intendedUs)).toEqual([]);
    expect(new Set(calls.map(({ outcome }) => outcome))).toEqual(new Set(['ok']));
    expect(Math.min(...calls.map(({ sentUs, doneUs }) => doneUs - sentUs))).toBeGreaterThanOrEqual(200_000);
    expect(reads.rows).toBe(3 * ofKind(calls, 'lookup').length + ofKind(calls, 'predict').length);
    expect(errors).toEqual([]);
  });

  it('gives a call up after its time, tells it from a failure, and comes to its end', async () => {
    const { calls, reads, errors } = await read(async (operation, clock) => {
      if (operation === 'predict') throw new Error('no model');
      await clock.sleep(3_600 * secondUs);
    });
    expectAsDue(calls);
    expect(new Set(ofKind(calls, 'predict').map(({ outcome }) => outcome))).toEqual(new Set(['error']));
    expect(new Set(ofKind(calls, 'lookup').map(({ outcome }) => outcome))).toEqual(new Set(['timeout']));
    expect(new Set(ofKind(calls, 'lookup').map(({ sentUs, doneUs }) => doneUs - sentUs))).toEqual(new Set([timeoutUs]));
    expect(reads.rows).toBe(0);
    const count = (operation: string) =>
      errors.filter((error) => error.operation === operation).reduce((sum, error) => sum + error.count, 0);
    expect(count('predict')).toBe(ofKind(calls, 'predict').length);
    expect(count('lookup')).toBe(ofKind(calls, 'lookup').length);
    expect(errors.map(({ message }) => message).join('\n')).toMatch(/no model/);
  });

  it('counts failures of which each has words of its own, and keeps no more than so many', async () => {
    let failures = 0;
    const { calls, errors } = await read(async (operation, clock) => {
      if (operation === 'predict' && clock.nowUs() >= epochUs) throw new Error(`failure ${failures++}`);
    });
    const own = errors.filter(({ operation }) => operation === 'predict');
    expect(own.length).toBe(101);
    expect(own.at(-1)?.message).toMatch(/^further errors/);
    expect(own.reduce((sum, { count }) => sum + count, 0)).toBe(ofKind(calls, 'predict').length);
  });
});

describe('the panel', () => {
  const probesOf = ({ probes }: Awaited<ReturnType<typeof read>>) =>
    Array.from({ length: probes.rows / panel.length }, (_, probe) => ({
      sentUs: probes.sentUs[probe * panel.length]! - epochUs,
      doneUs: probes.doneUs[probe * panel.length]! - epochUs,
      seqs: panel.map((_, member) => probes.lastSeq[probe * panel.length + member]!),
    }));

  it('is looked at every 50 ms, one probe at a time: where one takes longer others are left out', async () => {
    const quick = probesOf(await read(async () => {}));
    expect(quick.map(({ sentUs }) => sentUs)).toEqual(
      Array.from({ length: loadUs / probeEveryUs }, (_, i) => i * probeEveryUs),
    );
    const slow = probesOf(await read((_, clock, keys) => clock.sleep(keys.length === panel.length ? 120_000 : 0)));
    expect(slow.length).toBeGreaterThan(20);
    expect(slow.every(({ sentUs }, i) => i === 0 || sentUs >= slow[i - 1]!.doneUs)).toBe(true);
    expect(slow.every(({ sentUs }) => sentUs % probeEveryUs === 0)).toBe(true);
  });

  it('has no rows of a probe that failed, and says so of each of its customers', async () => {
    const probes = probesOf(
      await read(async (_, clock, keys) => {
        if (keys.length === panel.length && clock.nowUs() >= epochUs + loadUs / 2) throw new Error('away');
      }),
    );
    expect(probes.filter(({ sentUs }) => sentUs < loadUs / 2).every(({ seqs }) => seqs.every((seq) => seq === 5))).toBe(
      true,
    );
    const failed = probes.filter(({ sentUs }) => sentUs >= loadUs / 2);
    expect(failed.length).toBe(loadUs / 2 / probeEveryUs);
    expect(failed.every(({ seqs }) => seqs.every((seq) => seq === -1))).toBe(true);
  });
});
