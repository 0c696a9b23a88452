/** What every variant of the online store must do, as tests. A variant's own test file calls this and adds its faults. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hostClock } from '../../clock.js';
import { RefusedCall } from '../../errors.js';
import { seededRandom } from '../../random.js';
import { untilDone } from '../retries.js';
import type { KeyedRow, OnlineStore, StoredRow } from './port.js';

export interface OnlineStoreUnderTest {
  readonly store: OnlineStore;
  /** Where the store's event clock stands until it is advanced. */
  readonly epochUs: number;
  /** Sets the store's event clock going from `fromUs` on; it may take effect a little later. */
  advance(fromUs: number): void;
  /** Whatever holds the rows dies without warning and comes back; the client is used on, the clock stands again. */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

/** A row in short: key, seq, asOfUs, the value's bytes. */
type Row = readonly [key: string, seq: number, asOfUs: number, value: readonly number[]];

export function onlineStoreContract(name: string, open: () => Promise<OnlineStoreUnderTest>): void {
  describe(`${name} keeps the online store's contract`, () => {
    let store: OnlineStore;
    let underTest: OnlineStoreUnderTest;
    let tables = 0;
    beforeAll(async () => {
      underTest = await open();
      store = underTest.store;
    });
    afterAll(() => underTest?.close());

    const newTable = () => `table-${++tables}`;
    const put = (table: string, rows: readonly Row[], expiresUs?: number) =>
      store.put(table, {
        keys: rows.map(([key]) => key),
        seqs: rows.map(([, seq]) => seq),
        asOfUs: rows.map(([, , asOfUs]) => asOfUs),
        values: rows.map(([, , , value]) => Uint8Array.from(value)),
        ...(expiresUs === undefined ? {} : { expiresUs }),
      });
    const get = async (table: string, keys: readonly string[]) =>
      (await store.get(table, keys)).map((row, i) => inShort(keys[i]!, row));
    const scanAll = async (table: string, limit: number) => {
      const rows: KeyedRow[] = [];
      for (let after: string | null = null; ; ) {
        const page: KeyedRow[] = await store.scan(table, after, limit);
        expect(page.length).toBeLessThanOrEqual(limit);
        if (page.length === 0) return rows.map((row) => inShort(row.key, row));
        rows.push(...page);
        after = page.at(-1)!.key;
      }
    };

    test('the tables are those with rows, until they are dropped', async () => {
      const [kept, dropped] = [newTable(), newTable()];
      for (const table of [dropped, kept]) await put(table, [['a', 1, 100, []]]);
      await get(newTable(), ['a']);
      await store.drop(dropped);
      const found = await store.tables();
      expect(found).toContain(kept);
      expect(found).not.toContain(dropped);
      expect(found).not.toContain(`table-${tables}`);
    });

    test('rows are read back, in the order of the keys asked for, null where there is none', async () => {
      const table = newTable();
      const a: Row = ['a', 1, 100, [1, 2, 3]];
      const b: Row = ['b', 2, 200, []];
      expect(await put(table, [a, b])).toEqual({ written: 2, stale: 0 });
      expect(await get(table, ['b', 'none', 'a', 'b'])).toEqual([b, null, a, b]);
      expect(await get(table, [])).toEqual([]);
      expect(await get('no such table', ['a'])).toEqual([null]);
    });

    test('a put of nothing changes nothing', async () => {
      const table = newTable();
      expect(await put(table, [])).toEqual({ written: 0, stale: 0 });
      expect(await scanAll(table, 10)).toEqual([]);
    });

    test('a row is replaced only by a newer one: greater seq, or the same seq and greater asOfUs', async () => {
      const table = newTable();
      await put(table, [['k', 5, 50, [0]]]);
      const attempts: [Row, boolean][] = [
        [['k', 5, 50, [1]], false],
        [['k', 4, 90, [2]], false],
        [['k', 5, 49, [3]], false],
        [['k', 5, 51, [4]], true],
        [['k', 6, 1, [5]], true],
        [['k', 5, 99, [6]], false],
      ];
      let held: Row = ['k', 5, 50, [0]];
      for (const [row, newer] of attempts) {
        expect(await put(table, [row])).toEqual(newer ? { written: 1, stale: 0 } : { written: 0, stale: 1 });
        if (newer) held = row;
        expect(await get(table, ['k'])).toEqual([held]);
      }
    });

    test('a key that occurs twice in one put is considered twice, in order', async () => {
      const table = newTable();
      const rows: Row[] = [
        ['k', 2, 0, [1]],
        ['k', 1, 0, [2]],
        ['k', 3, 0, [3]],
      ];
      expect(await put(table, rows)).toEqual({ written: 2, stale: 1 });
      expect(await get(table, ['k'])).toEqual([['k', 3, 0, [3]]]);
    });

    test('of many rows, some of which are old and some of keys that were there before, each key keeps its newest', async () => {
      const table = newTable();
      const numbers = Array.from({ length: 1_500 }, (_, i) => i);
      await put(
        table,
        numbers.map((i): Row => [`k${i % 600}`, 5, 0, [0]]),
      );
      // Every third key is put at a lower seq only; a key comes again 600 rows behind its first.
      const rows = numbers.map((i): Row => [`k${i % 600}`, i % 3 === 0 ? 4 : 10 + i, 0, [i & 255]]);
      expect(await put(table, rows)).toEqual({ written: 1_000, stale: 500 });
      const keys = numbers.slice(0, 600).map((i) => `k${i}`);
      const newest = keys.map((key, i): Row => {
        const last = i < 300 ? 1_200 + i : 600 + i;
        return i % 3 === 0 ? [key, 5, 0, [0]] : [key, 10 + last, 0, [last & 255]];
      });
      expect(await get(table, keys)).toEqual(newest);
    });

    test('a put that is repeated writes nothing', async () => {
      const table = newTable();
      const rows = Array.from({ length: 100 }, (_, i): Row => [`k${i}`, i, i, [i]]);
      expect(await put(table, rows)).toEqual({ written: 100, stale: 0 });
      expect(await put(table, rows)).toEqual({ written: 0, stale: 100 });
    });

    test('keys and values are any text and any bytes; values arrive aligned, as plain Uint8Arrays', async () => {
      const table = newTable();
      const keys = ['', 'ä€😀', 'a\0b', 'a', '\u{ffff}', 'x'.repeat(1000), '{"json":1}'];
      const sizes = [0, 1, 7, 8, 9, 70_000, 2_000_000];
      const rows = keys.map(
        (key, n): Row => [key, n + 1, n, Array.from({ length: sizes[n]! }, (_, i) => (i + n) & 255)],
      );
      await put(table, rows);
      const held = await store.get(table, keys);
      held.forEach((row, n) => {
        expect(Buffer.compare(row!.value, Uint8Array.from(rows[n]![3]))).toBe(0);
        expect(row!.value.byteOffset % 8).toBe(0);
        expect(row!.value.constructor).toBe(Uint8Array);
      });
    });

    test('versions are exact up to 2^53', async () => {
      const table = newTable();
      const row: Row = ['k', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1, [1]];
      await put(table, [row]);
      expect(await get(table, ['k'])).toEqual([row]);
      const newer: Row = ['k', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, [2]];
      expect(await put(table, [newer])).toEqual({ written: 1, stale: 0 });
    });

    test('columns of different lengths are refused, and nothing is put', async () => {
      const table = newTable();
      const batch = { keys: ['a', 'b'], seqs: [1], asOfUs: [1, 1], values: [new Uint8Array(1), new Uint8Array(1)] };
      await expect(store.put(table, batch)).rejects.toMatchObject({ outcome: 'failed' });
      expect(await get(table, ['a', 'b'])).toEqual([null, null]);
    });

    test('a put that cannot be done whole is not done at all, and whoever tries until it is done gives up', async () => {
      const table = newTable();
      await put(table, [['a', 1, 1, [1]]]);
      const tooLong = { keys: ['x'.repeat(100_000)], values: [Uint8Array.of(1)] };
      const tooLarge = { keys: ['c'], values: [new Uint8Array(9 * 1024 * 1024)] };
      const caller = { clock: hostClock, random: seededRandom(1), signal: new AbortController().signal };
      for (const { keys, values } of [tooLong, tooLarge]) {
        const one = Uint8Array.of(1);
        const rows = { keys: ['a', 'b', ...keys], seqs: [2, 1, 1], asOfUs: [2, 1, 1], values: [one, one, ...values] };
        const refused = untilDone(caller, () => store.put(table, rows));
        await expect(refused).rejects.toBeInstanceOf(RefusedCall);
        expect(await get(table, ['a', 'b'])).toEqual([['a', 1, 1, [1]], null]);
      }
    });

    test('a scan gives every row once, in byte order of the keys, whatever the page', async () => {
      const table = newTable();
      const keys = ['b', 'a', 'aa', 'a\0', '', 'ä', 'z', 'Z', '10', '9', '😀', '\u{ffff}'];
      await put(
        table,
        keys.map((key): Row => [key, 1, 1, [1]]),
      );
      await put(newTable(), [['from another table', 1, 1, [1]]]);
      const inOrder = [...keys].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
      for (const limit of [1, 2, 5, 12, 100])
        expect((await scanAll(table, limit)).map((row) => row![0])).toEqual(inOrder);
      expect(await store.scan(table, 'zz', 1)).toMatchObject([{ key: 'ä' }]);
      expect(await store.scan('no such table', null, 10)).toEqual([]);
    });

    test('rows whose time to live is over are not served, and count as absent', async () => {
      const table = newTable();
      const { epochUs } = underTest;
      await put(table, [['now', 1, 1, [1]]], epochUs);
      await put(table, [['over', 5, 5, [2]]], epochUs - 1);
      await put(table, [['forever', 1, 1, [3]]]);
      expect(await get(table, ['now', 'over', 'forever'])).toEqual([['now', 1, 1, [1]], null, ['forever', 1, 1, [3]]]);
      expect((await scanAll(table, 1)).map((row) => row![0])).toEqual(['forever', 'now']);
      expect(await put(table, [['over', 1, 1, [4]]])).toEqual({ written: 1, stale: 0 });
      expect(await get(table, ['over'])).toEqual([['over', 1, 1, [4]]]);
    });

    test('a newer row brings its own time to live', async () => {
      const table = newTable();
      await put(table, [['k', 1, 1, [1]]], underTest.epochUs);
      await put(table, [['k', 2, 2, [2]]], underTest.epochUs - 1);
      expect(await get(table, ['k'])).toEqual([null]);
    });

    test('a dropped table is gone at once, and can be put to anew', async () => {
      const table = newTable();
      const other = newTable();
      await put(other, [['k', 1, 1, [1]]]);
      const rows = Array.from({ length: 5000 }, (_, i): Row => [`k${i}`, 9, 9, [i & 255]]);
      await put(table, rows);
      await store.drop(table);
      expect(await get(table, ['k0', 'k4999'])).toEqual([null, null]);
      expect(await scanAll(table, 100)).toEqual([]);
      expect(await put(table, [['k0', 1, 1, [1]]])).toEqual({ written: 1, stale: 0 });
      expect(await scanAll(table, 100)).toEqual([['k0', 1, 1, [1]]]);
      await store.drop(table);
      await store.drop(table);
      await store.drop('no such table');
      expect(await get(other, ['k'])).toEqual([['k', 1, 1, [1]]]);
    });

    test('calls of one client made without waiting take effect in order', async () => {
      const table = newTable();
      const results = await Promise.all([
        put(table, [['k', 1, 1, [1]]]),
        put(table, [['k', 2, 2, [2]]]),
        store.drop(table),
        put(table, [['k', 1, 1, [3]]]),
      ]);
      expect(results[3]).toEqual({ written: 1, stale: 0 });
      expect(await get(table, ['k'])).toEqual([['k', 1, 1, [3]]]);
    });

    test('one get reads one state: puts are never half visible, even while many are under way', async () => {
      const table = newTable();
      const keys = Array.from({ length: 100 }, (_, i) => `k${i}`);
      const version = (seq: number) => keys.map((key): Row => [key, seq, seq, [seq & 255]]);
      await put(table, version(1));
      // Six at a time, so that gets come between them also where one server answers all calls in order of arrival.
      let newest = 1;
      const lane = async () => {
        while (newest < 61) await put(table, version(++newest));
      };
      let putting = true;
      const done = Promise.all(Array.from({ length: 6 }, lane)).then(() => {
        putting = false;
      });
      const seen = new Set<number>();
      let last = 0;
      while (putting) {
        const seqs = new Set((await store.get(table, keys)).map((row) => row!.seq));
        expect(seqs.size).toBe(1);
        const [seq] = seqs as unknown as [number];
        expect(seq).toBeGreaterThanOrEqual(last);
        last = seq;
        seen.add(seq);
      }
      await done;
      expect(seen.size).toBeGreaterThan(1);
      expect(new Set((await store.get(table, keys)).map((row) => row!.seq))).toEqual(new Set([61]));
    });

    test('any sequence of puts, gets, scans and drops does what a map would do', async () => {
      const key = fc.constantFrom('a', 'b', 'c', 'ab', 'ä', '');
      const row = fc.tuple(key, fc.nat(3), fc.nat(3), fc.array(fc.nat(255), { maxLength: 12 }));
      const step = fc.oneof(
        { weight: 5, arbitrary: fc.record({ put: fc.array(row, { maxLength: 6 }), alive: fc.boolean() }) },
        { weight: 3, arbitrary: fc.record({ get: fc.array(key, { maxLength: 6 }) }) },
        { weight: 1, arbitrary: fc.record({ page: fc.integer({ min: 1, max: 4 }) }) },
        { weight: 1, arbitrary: fc.record({ drop: fc.constant(true) }) },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
          const table = newTable();
          const model = new Map<string, { row: Row; alive: boolean }>();
          for (const step of steps) {
            if ('put' in step) {
              let written = 0;
              for (const next of step.put) {
                const held = model.get(next[0]);
                const newer =
                  !held?.alive || next[1] > held.row[1] || (next[1] === held.row[1] && next[2] > held.row[2]);
                if (newer) model.set(next[0], { row: next, alive: step.alive });
                if (newer) written++;
              }
              const result = await put(table, step.put, step.alive ? underTest.epochUs : underTest.epochUs - 1);
              expect(result).toEqual({ written, stale: step.put.length - written });
            } else if ('get' in step) {
              const live = (wanted: string) => (model.get(wanted)?.alive ? model.get(wanted)!.row : null);
              expect(await get(table, step.get)).toEqual(step.get.map(live));
            } else if ('page' in step) {
              const live = [...model.values()].filter(({ alive }) => alive).map(({ row }) => row);
              live.sort(([x], [y]) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
              expect(await scanAll(table, step.page)).toEqual(live);
            } else {
              await store.drop(table);
              model.clear();
            }
          }
        }),
        { numRuns: 60 },
      );
    });

    test('what was put and dropped stays so after a sudden death', async () => {
      const [kept, dropped] = [newTable(), newTable()];
      const rows = Array.from({ length: 3000 }, (_, i): Row => [`k${10_000 + i}`, 1, i, [i & 255]]);
      await put(kept, rows);
      await put(dropped, rows);
      await store.drop(dropped);
      await underTest.reopen();
      expect(await scanAll(kept, 1000)).toEqual(rows);
      expect(await scanAll(dropped, 1000)).toEqual([]);
      expect(await put(kept, rows)).toEqual({ written: 0, stale: 3000 });
      expect(await put(dropped, rows)).toEqual({ written: 3000, stale: 0 });
      expect(await scanAll(dropped, 1000)).toEqual(rows);
      const next = newTable();
      await put(next, [['only', 1, 1, [1]]]);
      expect(await scanAll(next, 10)).toEqual([['only', 1, 1, [1]]]);
    });

    test('rows leave when the event clock has passed their time to live', async () => {
      const table = newTable();
      const { epochUs } = underTest;
      const second = 1_000_000;
      await put(table, [['short', 1, 1, [1]]], epochUs + second);
      await put(table, [['long', 1, 1, [2]]], epochUs + 86_400 * second);
      expect(await get(table, ['short', 'long'])).toEqual([
        ['short', 1, 1, [1]],
        ['long', 1, 1, [2]],
      ]);
      underTest.advance(epochUs + 2 * second);
      await expect.poll(() => get(table, ['short'])).toEqual([null]);
      expect(await get(table, ['long'])).toEqual([['long', 1, 1, [2]]]);
    });
  });
}

function inShort(key: string, row: StoredRow | null): Row | null {
  return row === null ? null : [key, row.seq, row.asOfUs, [...row.value]];
}
