import { describe, expect, test } from 'vitest';
import { hostClock } from '../../clock.js';
import { type Costs, defaultCosts } from '../../simulation/costs.js';
import { fakeClock } from '../../simulation/fake-clock.fixture.js';
import { createResource } from '../../simulation/resource.js';
import { changeLogContract } from './contract.js';
import { simulateChangeLog } from './simulated.js';

changeLogContract('the simulated change log', async () => {
  const changeLog = simulateChangeLog({ clock: hostClock, resource: { use: async () => {}, busyUs: () => 0 } });
  // The object is the server, which does not die: what a client closes or a role loses is not in it.
  return { changeLog, reopen: () => changeLog.close(), close: () => changeLog.close() };
});

/** Every operation with a cost of its own, so that what was charged can be told from the time. */
const costs: Costs['changeLog'] = {
  createTopic: { fixedUs: 1, perRowUs: 0, perByteNs: 0 },
  append: { fixedUs: 100, perRowUs: 10, perByteNs: 1000 },
  read: { fixedUs: 1000, perRowUs: 20, perByteNs: 2000 },
  endOffsets: { fixedUs: 10_000, perRowUs: 0, perByteNs: 0 },
  commit: { fixedUs: 20_000, perRowUs: 0, perByteNs: 1000 },
  committed: { fixedUs: 40_000, perRowUs: 0, perByteNs: 0 },
};
const bytes = (...values: number[]) => Uint8Array.from(values);

/** A topic 't' of one partition, at time 0 of a clock on which nothing takes time but the server. */
async function start() {
  const { clock, run } = fakeClock(0);
  const log = simulateChangeLog({ clock, resource: createResource({ clock, costs }) });
  const created = log.createTopic('t', 1);
  await run();
  await created;
  const startUs = clock.nowUs();
  expect(startUs).toBe(1);
  /** What a call answers or rejects with, and how long after the start. */
  const timed = async <T>(call: Promise<T>) => {
    const outcome = await call.catch((error: unknown) => error);
    return [outcome, clock.nowUs() - startUs] as const;
  };
  return { clock, run, log, timed };
}

describe('the simulated change log', () => {
  test('knows the operations of the table of costs', () => {
    const { clock } = fakeClock(0);
    const log = simulateChangeLog({ clock, resource: createResource({ clock, costs: defaultCosts.changeLog }) });
    const operations = Object.keys(log).filter((name) => name !== 'close');
    expect(operations.sort()).toEqual(Object.keys(defaultCosts.changeLog).sort());
  });

  test('charges each call once, one after the other, also those that fail', async () => {
    const { run, log, timed } = await start();
    const calls = [
      timed(log.append('t', 0, [bytes(1, 2, 3), bytes(4)])),
      timed(log.endOffsets('t')),
      timed(log.commit('g', 't', [1])),
      timed(log.committed('g', 't')),
      timed(log.read('t', 0, 7, { maxBytes: 10, maxWaitUs: 0 })),
    ];
    await run();
    const outcomes = await Promise.all(calls);
    expect(outcomes.map(([, us]) => us)).toEqual([124, 10_124, 30_132, 70_132, 71_132]);
    expect(outcomes.slice(0, 4).map(([outcome]) => outcome)).toEqual([2, [2], undefined, [1]]);
    expect(outcomes[4]![0]).toMatchObject({
      outcome: 'failed',
      message: "'read' to the simulated change log: offset 7 of 't' 0 cannot be read: it ends at 2",
    });
    const read = timed(log.read('t', 0, 0, { maxBytes: 10, maxWaitUs: 0 }));
    await run();
    expect((await read)[1]).toBe(71_132 + 1000 + 2 * 20 + 4 * 2);
  });

  test('a read answers what is there when it has been served', async () => {
    const { run, log, timed } = await start();
    const append = timed(log.append('t', 0, [bytes(1)]));
    const read = timed(log.read('t', 0, 0, { maxBytes: 10, maxWaitUs: 0 }));
    await run();
    expect((await append)[1]).toBe(111);
    expect(await read).toEqual([{ baseOffset: 0, entries: [bytes(1)], endOffset: 1 }, 1111]);
  });

  test('a waiting read is woken by the append and served after it, and leaves no timer', async () => {
    const { clock, run, log, timed } = await start();
    const read = timed(log.read('t', 0, 0, { maxBytes: 10, maxWaitUs: 1_000_000 }));
    clock.after(500_000, () => void log.append('t', 0, [bytes(7)]));
    await run();
    expect(await read).toEqual([{ baseOffset: 0, entries: [bytes(7)], endOffset: 1 }, 500_000 + 111 + 1022]);
    expect(clock.nowUs()).toBe(1 + 500_000 + 111 + 1022);
  });

  test('a waiting read is answered when its time is over by the clock', async () => {
    const { run, log, timed } = await start();
    const read = timed(log.read('t', 0, 0, { maxBytes: 10, maxWaitUs: 30_000_000 }));
    await run();
    expect(await read).toEqual([{ baseOffset: 0, entries: [], endOffset: 0 }, 30_000_000 + 1000]);
  });

  test('a read that is aborted while it waits is not served, one that is served answers with the reason', async () => {
    const { clock, run, log, timed } = await start();
    const [early, late] = [new AbortController(), new AbortController()];
    const limits = { maxBytes: 10, maxWaitUs: 1_000_000 };
    const waiting = timed(log.read('t', 0, 0, { ...limits, signal: early.signal }));
    const served = timed(log.read('t', 0, 0, { ...limits, maxWaitUs: 0, signal: late.signal }));
    clock.after(400, () => early.abort('early'));
    clock.after(500, () => late.abort('late'));
    await run();
    expect(await waiting).toEqual(['early', 400]);
    expect(await served).toEqual(['late', 1000]);
    expect(clock.nowUs()).toBe(1 + 1000);
  });

  test('holds copies, aligned to 8 bytes: a caller may use its memory again at once', async () => {
    const { run, log } = await start();
    const mine = [bytes(1, 2, 3), Buffer.from([4, 5])];
    const offsets = [1];
    const calls = [log.append('t', 0, mine), log.commit('g', 't', offsets)];
    for (const entry of mine) entry.fill(9);
    offsets[0] = 9;
    await run();
    await Promise.all(calls);
    const answers = [log.read('t', 0, 0, { maxBytes: 10, maxWaitUs: 0 }), log.committed('g', 't')] as const;
    await run();
    const { entries } = await answers[0];
    expect(entries).toEqual([bytes(1, 2, 3), bytes(4, 5)]);
    for (const entry of entries) expect(entry.byteOffset % 8).toBe(0);
    expect(await answers[1]).toEqual([1]);
  });
});
