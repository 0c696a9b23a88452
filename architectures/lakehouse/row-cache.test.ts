import { describe, expect, it } from 'vitest';
import { CallError } from '../../harness/errors.js';
import type { StoredRow } from '../../harness/ports/online-store/port.js';
import { type CachedRow, createRowCache } from './row-cache.js';

/** A store whose reads are answered when the test says so: what matters here is what happens in between. */
function heldStore() {
  const rows = new Map([
    ['#begun', 1],
    ['#whole', 1],
  ]);
  const reads: { keys: readonly string[]; answer(): void; fail(): void }[] = [];
  return {
    rows,
    reads,
    get: (_: string, keys: readonly string[]) =>
      new Promise<(StoredRow | null)[]>((resolve, reject) => {
        const found = () =>
          keys.map((key) => {
            const version = rows.get(key);
            return version === undefined ? null : { seq: version, asOfUs: 0, value: Uint8Array.of(version) };
          });
        reads.push({
          keys,
          answer: () => resolve(found()),
          fail: () => reject(new CallError('failed', 'by the test')),
        });
      }),
  };
}

const settle = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

function world(options: { ttlUs: number; capacity: number }) {
  const store = heldStore();
  const clock = { us: 1_000, nowUs: () => clock.us };
  return {
    store,
    clock,
    cache: createRowCache({ store, clock, ttlUs: () => options.ttlUs, capacity: options.capacity }),
  };
}

const valuesOf = (rows: readonly (CachedRow | null)[]) => rows.map((row) => row?.value ?? null);

describe('the cache of serving', () => {
  it('answers from its copy until the time to live is over, counted from before the read', async () => {
    const { store, clock, cache } = world({ ttlUs: 100, capacity: 10 });
    store.rows.set('a', 1);
    const first = cache.get(['a']);
    await settle();
    clock.us = 1_050;
    store.reads[0]!.answer();
    expect(valuesOf(await first)).toEqual([Uint8Array.of(1)]);
    store.rows.set('a', 2);
    clock.us = 1_099;
    expect(valuesOf(await cache.get(['a']))).toEqual([Uint8Array.of(1)]);
    clock.us = 1_100;
    const second = cache.get(['a']);
    await settle();
    store.reads[1]!.answer();
    expect(valuesOf(await second)).toEqual([Uint8Array.of(2)]);
  });

  it('keeps a row as long as was allowed when it was read: what was read of a plane that is behind is not kept on', async () => {
    const allowed = { ttlUs: 20, capacity: 10 };
    const { store, clock, cache } = world(allowed);
    store.rows.set('a', 1);
    const whileBehind = cache.get(['a']);
    await settle();
    store.reads[0]!.answer();
    await whileBehind;
    allowed.ttlUs = 100;
    store.rows.set('a', 2);
    clock.us = 1_020;
    const back = cache.get(['a']);
    await settle();
    store.reads[1]!.answer();
    expect(valuesOf(await back)).toEqual([Uint8Array.of(2)]);
    clock.us = 1_119;
    expect(valuesOf(await cache.get(['a']))).toEqual([Uint8Array.of(2)]);
  });

  it('reads a few times at once, and gathers the misses that come meanwhile into the next read', async () => {
    const { store, cache } = world({ ttlUs: 100, capacity: 10 });
    const keysOf = () => store.reads.map(({ keys }) => keys.join());
    for (const key of 'abcdefg') store.rows.set(key, key.charCodeAt(0));
    const asked = ['a', 'b', 'c', 'd', 'ef', 'f', 'g'].map((keys) => [...keys]);
    const calls: Promise<(CachedRow | null)[]>[] = [];
    for (const keys of asked) {
      calls.push(cache.get(keys));
      await settle();
    }
    expect(keysOf()).toEqual(['a', 'b', 'c', 'd']);
    store.reads[2]!.answer();
    await settle();
    expect(keysOf()).toEqual(['a', 'b', 'c', 'd', 'e,f,g']);
    for (const read of store.reads) read.answer();
    expect((await Promise.all(calls)).map(valuesOf)).toEqual(
      asked.map((keys) => keys.map((key) => Uint8Array.of(key.charCodeAt(0)))),
    );
  });

  it('never reads a key twice at once: the later answer would not be the newer row', async () => {
    const { store, cache } = world({ ttlUs: 0, capacity: 10 });
    for (const key of ['a', 'b']) store.rows.set(key, 1);
    const first = cache.get(['a']);
    await settle();
    const second = cache.get(['a', 'b']);
    await settle();
    expect(store.reads.map(({ keys }) => keys)).toEqual([['a'], ['b']]);
    for (const read of store.reads) read.answer();
    expect(valuesOf(await first)).toEqual([Uint8Array.of(1)]);
    expect(valuesOf(await second)).toEqual([1, 1].map((version) => Uint8Array.of(version)));
    await settle();
    const third = cache.get(['a']);
    await settle();
    expect(store.reads.map(({ keys }) => keys)).toEqual([['a'], ['b'], ['a']]);
    store.reads[2]!.answer();
    await third;
  });

  it('does not keep that a row is absent', async () => {
    const { store, cache } = world({ ttlUs: 100, capacity: 10 });
    const before = cache.get(['a']);
    await settle();
    store.reads[0]!.answer();
    await settle();
    store.reads[1]!.answer();
    expect(valuesOf(await before)).toEqual([null]);
    store.rows.set('a', 7);
    const after = cache.get(['a']);
    await settle();
    store.reads[2]!.answer();
    expect(valuesOf(await after)).toEqual([Uint8Array.of(7)]);
  });

  it('answers nothing for a row that may have been lost, and who asked for others is answered', async () => {
    for (const left of [[], ['#begun'], ['#whole']]) {
      const { store, cache } = world({ ttlUs: 100, capacity: 10 });
      store.rows.set('b', 1);
      for (const key of ['#begun', '#whole']) if (!left.includes(key)) store.rows.delete(key);
      const ofBoth = cache.get(['a', 'b']);
      const lost = expect(ofBoth).rejects.toThrow(
        /rows are missing from the online store, which is being filled again/,
      );
      const other = cache.get(['b']);
      await settle();
      store.reads[0]!.answer();
      await settle();
      store.reads[1]!.answer();
      await lost;
      expect(valuesOf(await other)).toEqual([Uint8Array.of(1)]);
    }
  });

  it('finds one that was filled in since', async () => {
    const { store, cache } = world({ ttlUs: 100, capacity: 10 });
    const read = cache.get(['a']);
    await settle();
    store.reads[0]!.answer();
    store.rows.set('a', 3);
    await settle();
    store.reads[1]!.answer();
    expect(valuesOf(await read)).toEqual([Uint8Array.of(3)]);
  });

  it('keeps no more rows than it may, and none without a time to live', async () => {
    for (const [options, kept] of [
      [{ ttlUs: 100, capacity: 2 }, ['b', 'c']],
      [{ ttlUs: 0, capacity: 2 }, []],
      [{ ttlUs: 100, capacity: 0 }, []],
    ] as const) {
      const { store, cache } = world(options);
      for (const key of ['a', 'b', 'c']) {
        store.rows.set(key, 1);
        const read = cache.get([key]);
        await settle();
        store.reads.at(-1)!.answer();
        await read;
      }
      const again = cache.get(['a', 'b', 'c']);
      await settle();
      const read = store.reads[3]!;
      expect(['a', 'b', 'c'].filter((key) => !read.keys.includes(key))).toEqual(kept);
      read.answer();
      expect(valuesOf(await again)).toEqual([1, 1, 1].map((version) => Uint8Array.of(version)));
    }
  });

  it('fails those who wait for a failed read, and nobody after them', async () => {
    const { store, cache } = world({ ttlUs: 100, capacity: 10 });
    store.rows.set('a', 1);
    const failed = cache.get(['a']);
    const waits = expect(failed).rejects.toThrow('by the test');
    await settle();
    store.reads[0]!.fail();
    await waits;
    const next = cache.get(['a']);
    await settle();
    store.reads[1]!.answer();
    expect(valuesOf(await next)).toEqual([Uint8Array.of(1)]);
  });
});
