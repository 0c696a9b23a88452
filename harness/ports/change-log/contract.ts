/** What every variant of the change log must do, as tests. A variant's own test file calls this and adds its faults. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ChangeLog } from './port.js';

export interface ChangeLogUnderTest {
  readonly changeLog: ChangeLog;
  /** Whatever holds the log dies without warning and comes back with what was durable; the client is used on. */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

const noWait = { maxBytes: 1 << 20, maxWaitUs: 0 };
const bytes = (...values: number[]) => Uint8Array.from(values);
const numbers = (entries: readonly Uint8Array[]) => entries.map((entry) => [...entry]);

export function changeLogContract(name: string, open: () => Promise<ChangeLogUnderTest>): void {
  describe(`${name} keeps the change log's contract`, () => {
    let log: ChangeLog;
    let underTest: ChangeLogUnderTest;
    let topics = 0;
    beforeAll(async () => {
      underTest = await open();
      log = underTest.changeLog;
    });
    afterAll(() => underTest?.close());

    const newTopic = async (partitions: number) => {
      const topic = `topic-${++topics}`;
      await log.createTopic(topic, partitions);
      return topic;
    };
    const readAll = async (topic: string, partition: number, maxBytes = 1 << 20) => {
      const entries: Uint8Array[] = [];
      for (;;) {
        const slice = await log.read(topic, partition, entries.length, { maxBytes, maxWaitUs: 0 });
        if (slice.entries.length === 0) return entries;
        entries.push(...slice.entries);
      }
    };

    test('a topic can be created again, but not with another number of partitions', async () => {
      const topic = await newTopic(3);
      await log.append(topic, 2, [bytes(1)]);
      await log.createTopic(topic, 3);
      expect(await log.endOffsets(topic)).toEqual([0, 0, 1]);
      await expect(log.createTopic(topic, 4)).rejects.toMatchObject({ outcome: 'failed' });
    });

    test('topics created at the same time are one topic each', async () => {
      await Promise.all([log.createTopic('same', 2), log.createTopic('same', 2), log.createTopic('other', 1)]);
      await log.append('same', 1, [bytes(7)]);
      expect(await log.endOffsets('same')).toEqual([0, 1]);
      expect(await log.endOffsets('other')).toEqual([0]);
    });

    test('an append answers the offset after its last entry, and a read gives the entries back', async () => {
      const topic = await newTopic(1);
      expect(await log.append(topic, 0, [bytes(1, 2, 3)])).toBe(1);
      expect(await log.append(topic, 0, [bytes(4), bytes(5, 6)])).toBe(3);
      const slice = await log.read(topic, 0, 0, noWait);
      expect(slice).toMatchObject({ baseOffset: 0, endOffset: 3 });
      expect(numbers(slice.entries)).toEqual([[1, 2, 3], [4], [5, 6]]);
      const rest = await log.read(topic, 0, 2, noWait);
      expect([rest.baseOffset, numbers(rest.entries), rest.endOffset]).toEqual([2, [[5, 6]], 3]);
    });

    test('an append of nothing changes nothing', async () => {
      const topic = await newTopic(1);
      expect(await log.append(topic, 0, [])).toBe(0);
      expect(await log.endOffsets(topic)).toEqual([0]);
    });

    test('partitions and topics do not mix', async () => {
      const [a, b] = [await newTopic(2), await newTopic(2)];
      await Promise.all([
        log.append(a, 0, [bytes(1)]),
        log.append(a, 1, [bytes(2)]),
        log.append(b, 0, [bytes(3)]),
        log.append(b, 1, [bytes(4), bytes(5)]),
      ]);
      expect(await log.endOffsets(a)).toEqual([1, 1]);
      expect(await log.endOffsets(b)).toEqual([1, 2]);
      const held = await Promise.all([readAll(a, 0), readAll(a, 1), readAll(b, 0), readAll(b, 1)]);
      expect(held.map(numbers)).toEqual([[[1]], [[2]], [[3]], [[4], [5]]]);
    });

    test('an entry is opaque bytes of any size, and is returned as a plain Uint8Array', async () => {
      const topic = await newTopic(1);
      const entries = [0, 1, 7, 8, 100, 4096, 40_000, 1_000_003, 9_000_000].map((size, n) =>
        Uint8Array.from({ length: size }, (_, i) => (i * 17 + n) & 255),
      );
      for (const entry of entries) await log.append(topic, 0, [entry]);
      await log.append(topic, 0, entries);
      const held = await readAll(topic, 0);
      expect(held.length).toBe(2 * entries.length);
      held.forEach((entry, i) => {
        expect(Buffer.compare(entry, entries[i % entries.length]!), `entry ${i}`).toBe(0);
        // A Buffer's slice() shares memory where a Uint8Array's copies: readers count on the copy.
        expect(entry.constructor).toBe(Uint8Array);
      });
    });

    test('a read stops at maxBytes but gives at least one entry', async () => {
      const topic = await newTopic(1);
      await log.append(
        topic,
        0,
        [10, 20, 30, 40].map((size) => new Uint8Array(size)),
      );
      const sizes = async (offset: number, maxBytes: number) =>
        (await log.read(topic, 0, offset, { maxBytes, maxWaitUs: 0 })).entries.map((entry) => entry.length);
      expect(await sizes(0, 1)).toEqual([10]);
      expect(await sizes(0, 30)).toEqual([10, 20]);
      expect(await sizes(0, 59)).toEqual([10, 20]);
      expect(await sizes(1, 50)).toEqual([20, 30]);
      expect(await sizes(3, 1)).toEqual([40]);
    });

    test('pages of any size put together are the log', async () => {
      const topic = await newTopic(1);
      const written: Uint8Array[] = [];
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 }), { maxLength: 4 }),
          fc.integer({ min: 0, max: 200 }),
          async (appends, maxBytes) => {
            for (const entries of appends) {
              written.push(...entries);
              expect(await log.append(topic, 0, entries)).toBe(written.length);
            }
            expect(numbers(await readAll(topic, 0, maxBytes))).toEqual(numbers(written));
          },
        ),
        { numRuns: 15 },
      );
    });

    test('a read at the end answers at once with nothing if it may not wait', async () => {
      const topic = await newTopic(1);
      expect(await log.read(topic, 0, 0, noWait)).toEqual({ baseOffset: 0, entries: [], endOffset: 0 });
      await log.append(topic, 0, [bytes(1)]);
      expect(await log.read(topic, 0, 1, noWait)).toEqual({ baseOffset: 1, entries: [], endOffset: 1 });
    });

    test('a read at the end is answered with nothing when its waiting time is over', async () => {
      const topic = await newTopic(1);
      expect(await log.read(topic, 0, 0, { maxBytes: 1, maxWaitUs: 20_000 })).toMatchObject({
        entries: [],
        endOffset: 0,
      });
    });

    test('a waiting read is woken by an append to its partition', async () => {
      const topic = await newTopic(2);
      const patient = { maxBytes: 1000, maxWaitUs: 50_000_000 };
      const waiting = [log.read(topic, 0, 0, patient), log.read(topic, 0, 0, patient), log.read(topic, 1, 0, patient)];
      await log.append(topic, 1, [bytes(1)]);
      expect(numbers((await waiting[2]!).entries)).toEqual([[1]]);
      await log.append(topic, 0, [bytes(2)]);
      for (const slice of await Promise.all(waiting.slice(0, 2))) expect(numbers(slice.entries)).toEqual([[2]]);
    });

    test('a waiting read that is aborted rejects with the reason', async () => {
      const topic = await newTopic(1);
      const giveUp = new AbortController();
      const reason = new Error('role stops');
      const waiting = log.read(topic, 0, 0, { maxBytes: 1, maxWaitUs: 50_000_000, signal: giveUp.signal });
      giveUp.abort(reason);
      await expect(waiting).rejects.toBe(reason);
      await expect(log.read(topic, 0, 0, { ...noWait, signal: giveUp.signal })).rejects.toBe(reason);
    });

    test('what does not exist is an error that certainly had no effect', async () => {
      const topic = await newTopic(2);
      const failed = { outcome: 'failed' };
      await expect(log.read(topic, 0, 1, noWait)).rejects.toMatchObject(failed);
      await expect(log.read(topic, 2, 0, noWait)).rejects.toMatchObject(failed);
      await expect(log.append(topic, 2, [bytes(1)])).rejects.toMatchObject(failed);
      await expect(log.append('nowhere', 0, [bytes(1)])).rejects.toMatchObject(failed);
      await expect(log.endOffsets('nowhere')).rejects.toMatchObject(failed);
      await expect(log.commit('group', topic, [0])).rejects.toMatchObject(failed);
      expect(await log.endOffsets(topic)).toEqual([0, 0]);
    });

    test('appends made one after the other without waiting keep their order', async () => {
      const topic = await newTopic(1);
      const ends = await Promise.all(Array.from({ length: 200 }, (_, i) => log.append(topic, 0, [bytes(i)])));
      expect(ends).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
      expect(numbers(await readAll(topic, 0))).toEqual(Array.from({ length: 200 }, (_, i) => [i]));
    });

    test('the entries of one append stay together among concurrent appends', async () => {
      const topic = await newTopic(1);
      const ends = await Promise.all(
        Array.from({ length: 50 }, (_, i) => log.append(topic, 0, [bytes(i, 0), bytes(i, 1), bytes(i, 2)])),
      );
      const held = numbers(await readAll(topic, 0));
      expect(held.length).toBe(150);
      ends.forEach((end, i) => {
        expect(held.slice(end - 3, end)).toEqual([0, 1, 2].map((part) => [i, part]));
      });
    });

    test("a consumer group's position is the last one stored, per group and topic", async () => {
      const [a, b] = [await newTopic(2), await newTopic(2)];
      expect(await log.committed('readers', a)).toBeNull();
      await log.commit('readers', a, [1, 2]);
      await log.commit('readers', a, [3, 9_007_199_254_740_991]);
      await log.commit('others', a, [0, 0]);
      expect(await log.committed('readers', a)).toEqual([3, 9_007_199_254_740_991]);
      expect(await log.committed('others', a)).toEqual([0, 0]);
      expect(await log.committed('readers', b)).toBeNull();
    });

    test('everything that was acknowledged is there after a sudden death, and the log goes on from it', async () => {
      const topic = await newTopic(3);
      const wide = await newTopic(11);
      const big = new Uint8Array(300_000).fill(9);
      await Promise.all([
        log.append(topic, 0, [bytes(1), bytes(2)]),
        log.append(topic, 2, [big]),
        log.append(wide, 10, [bytes(3)]),
        log.commit('readers', topic, [2, 0, 1]),
      ]);
      await underTest.reopen();
      expect(await log.endOffsets(topic)).toEqual([2, 0, 1]);
      expect(await log.endOffsets(wide)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
      expect(await log.committed('readers', topic)).toEqual([2, 0, 1]);
      expect(Buffer.compare((await readAll(topic, 2))[0]!, big)).toBe(0);
      expect(await log.append(topic, 0, [bytes(4)])).toBe(3);
      expect(await log.append(topic, 1, [bytes(5)])).toBe(1);
      expect(numbers(await readAll(topic, 0))).toEqual([[1], [2], [4]]);
      const next = await newTopic(1);
      expect(await readAll(next, 0)).toEqual([]);
    });
  });
}
