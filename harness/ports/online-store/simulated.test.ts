import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { monotonicNs, systemClock } from '../../clock.js';
import { type Costs, defaultCosts } from '../../simulation/costs.js';
import { fakeClock } from '../../simulation/fake-clock.fixture.js';
import { createResource } from '../../simulation/resource.js';
import { onlineStoreContract } from './contract.js';
import { compareBytes, simulateOnlineStore } from './simulated.js';

const epochUs = 1_700_000_000_000_000;

onlineStoreContract('the simulated online store', async () => {
  const clock = systemClock({ epochUs, zeroNs: null });
  const store = simulateOnlineStore({ clock, resource: { use: async () => {}, busyUs: () => 0 } });
  return {
    store,
    epochUs,
    advance: (fromUs) => clock.set({ epochUs: fromUs, zeroNs: monotonicNs() }),
    // The object is the server, which does not die: what a client closes or a role loses is not in it.
    reopen: () => store.close(),
    close: () => store.close(),
  };
});

/** Every operation with a cost of its own, so that what was charged can be told from the time. */
const costs: Costs['onlineStore'] = {
  put: { fixedUs: 100, perRowUs: 10, perByteNs: 1000 },
  get: { fixedUs: 1000, perRowUs: 20, perByteNs: 2000 },
  scan: { fixedUs: 10_000, perRowUs: 30, perByteNs: 3000 },
  drop: { fixedUs: 100_000, perRowUs: 0, perByteNs: 0 },
  tables: { fixedUs: 1_000_000, perRowUs: 0, perByteNs: 0 },
};
const bytes = (...values: number[]) => Uint8Array.from(values);

/** A store on a clock on which nothing takes time but the server. */
function start() {
  const { clock, run } = fakeClock(0);
  const store = simulateOnlineStore({ clock, resource: createResource({ clock, costs }) });
  /** What a call answers or rejects with, and when. */
  const timed = async <T>(call: Promise<T>) => {
    const outcome = await call.catch((error: unknown) => error);
    return [outcome, clock.nowUs()] as const;
  };
  const put = (key: string, seq: number, value: Uint8Array, expiresUs?: number) =>
    store.put('t', {
      keys: [key],
      seqs: [seq],
      asOfUs: [0],
      values: [value],
      ...(expiresUs === undefined ? {} : { expiresUs }),
    });
  return { clock, run, store, timed, put };
}

describe('the simulated online store', () => {
  test('knows the operations of the table of costs', () => {
    const { clock } = fakeClock(0);
    const store = simulateOnlineStore({ clock, resource: createResource({ clock, costs: defaultCosts.onlineStore }) });
    const operations = Object.keys(store).filter((name) => !['close', 'empty', 'stored', 'storedBytes'].includes(name));
    expect(operations.sort()).toEqual(Object.keys(defaultCosts.onlineStore).sort());
  });

  test('charges each call once, one after the other, also those that fail', async () => {
    const { run, store, timed, put } = start();
    const first = timed(put('key', 1, bytes(1, 2, 3)));
    await run();
    expect(await first).toEqual([{ written: 1, stale: 0 }, 100 + 10 + 7]);
    const calls = [
      timed(store.get('t', ['key', 'no'])),
      timed(store.scan('t', null, 10)),
      timed(put('x'.repeat(2000), 1, bytes())),
      timed(store.drop('t')),
    ];
    await run();
    const outcomes = await Promise.all(calls);
    const durations = outcomes.map(([, atUs], i) => atUs - (outcomes[i - 1]?.[1] ?? 117));
    expect(durations).toEqual([1000 + 2 * 20 + 2 * 10, 10_000 + 30 + 3 * 7, 100 + 10 + 2001, 100_000]);
    expect(outcomes[1]![0]).toEqual([{ key: 'key', seq: 1, asOfUs: 0, value: bytes(1, 2, 3) }]);
    expect(outcomes[2]![0]).toMatchObject({
      outcome: 'failed',
      message: "'put' to the simulated online store: a key of 2000 bytes is longer than 1024",
    });
  });

  test('a read answers what is there, and alive, when it has been served', async () => {
    const { run, store, timed, put } = start();
    const calls = [
      timed(put('a', 1, bytes(1))),
      timed(put('b', 1, bytes(2), 1000)),
      timed(store.get('t', ['a', 'b'])),
      timed(store.drop('t')),
      timed(store.scan('t', null, 1)),
    ];
    await run();
    const [, , get, , scan] = await Promise.all(calls);
    expect(get![0]).toMatchObject([{ seq: 1, value: bytes(1) }, null]);
    expect(get![1]).toBeGreaterThan(1000);
    expect(scan![0]).toEqual([]);
  });

  test('holds copies: a caller may use its memory again at once', async () => {
    const { run, store } = start();
    const rows = { keys: ['a', 'b'], seqs: [1, 2], asOfUs: [3, 4], values: [bytes(1, 2), bytes(3)] };
    const put = store.put('t', rows);
    rows.values[0]!.fill(9);
    rows.seqs.fill(9);
    rows.keys.reverse();
    await run();
    await put;
    const asked = ['b', 'a'];
    const get = store.get('t', asked);
    asked.reverse();
    await run();
    expect(await get).toMatchObject([
      { seq: 2, asOfUs: 4, value: bytes(3) },
      { seq: 1, asOfUs: 3, value: bytes(1, 2) },
    ]);
  });

  test('an answer keeps its bytes when the row is replaced', async () => {
    const { run, store, put } = start();
    const first = put('a', 1, bytes(1));
    const get = store.get('t', ['a']);
    const second = put('a', 2, bytes(2));
    await run();
    await Promise.all([first, second]);
    expect((await get)[0]).toMatchObject({ seq: 1, value: bytes(1) });
  });

  test('what is stored is all that is held, and nothing that was replaced or dropped', async () => {
    const { run, store, put } = start();
    const dropped = { keys: ['gone'], seqs: [1], asOfUs: [1], values: [bytes(7)] };
    const calls = [put('a', 1, bytes(1)), put('b', 1, bytes(2), -1), put('a', 2, bytes(3)), store.put('u', dropped)];
    calls.push(store.drop('u').then(() => ({ written: 0, stale: 0 })));
    await run();
    await Promise.all(calls);
    expect([...store.stored()]).toEqual(['t', 'a', bytes(3), 'b', bytes(2)]);
    expect(store.storedBytes()).toBe(2 * (2 + 1 + 3 * 8));
  });

  test('orders keys as their bytes are ordered', () => {
    const unit = fc.constantFrom('a', 'b', 'ä', '\u07ff', '\ud7ff', '\ue000', '\u{ffff}', '\u{10000}', '😀', '\0');
    const key = fc.oneof(fc.string({ unit, maxLength: 5 }), fc.string({ unit: 'binary', maxLength: 5 }));
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { numRuns: 200 },
    );
  });
});
