/** The part of the contract of the table store that is about tiers. Called by contract.ts. */
import { describe, expect, test } from 'vitest';
import { dayUs } from '../../../workloads/durations.js';
import type { ColumnBatch, Schema } from '../columns.js';
import { collect, sorted } from './layout-contract.fixture.js';
import type { Snapshot, TableStore, TierPolicy } from './port.js';

const schema: Schema = [
  { name: 'id', type: 'int', nullable: false },
  { name: 'region', type: 'text', nullable: false },
];
const policy: TierPolicy = { warmAfterUs: 10_000_000, coldAfterUs: 20_000_000, targetFileBytes: 1e9 };

export function tierContract(
  setUp: () => { readonly time: { nowUs: number }; open(client?: { readonly run: string }): TableStore },
): void {
  const rowsOf = async (store: TableStore, at?: Parameters<TableStore['snapshot']>[1]) =>
    collect(store.scan(await store.snapshot('t', at), { columns: ['id', 'region'] }));
  const tiersOf = ({ files }: Snapshot) => files.map(({ tier }) => tier).sort();

  async function withRows(layout = {}) {
    const { time, open } = setUp();
    const store = open();
    await store.create('t', schema, layout);
    for (let i = 0; i < 4; i++) await store.append('t', batch(20 * i, 20), []);
    return { time, open, store };
  }

  describe('tiers', () => {
    test('files that nobody wrote or read for long move down, together, and rows and older versions stay', async () => {
      const { time, open, store } = await withRows();
      const { files } = await store.snapshot('t');
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      time.nowUs += policy.warmAfterUs - 1;
      const nothing = { files: 0, bytesBefore: 0, bytesAfter: 0 };
      expect(await store.tier('t', policy)).toEqual({ warm: nothing, cold: nothing });
      time.nowUs += 1;
      await store.append('t', batch(80, 20), []);
      const { warm, cold } = await open({ run: 'compactor 1' }).tier('t', policy);
      expect({ ...warm, bytesAfter: 0 }).toEqual({ files: 4, bytesBefore: bytes, bytesAfter: 0 });
      expect(cold).toEqual(nothing);
      const warmed = await open().snapshot('t');
      expect(tiersOf(warmed)).toEqual(['hot', 'warm']);
      const file = warmed.files.find(({ tier }) => tier === 'warm')!;
      expect(file).toMatchObject({ rows: 80, bytes: warm.bytesAfter, hotBytes: bytes });
      expect(file.path).toMatch(/^warm\//);
      time.nowUs += policy.coldAfterUs;
      const moved = await open({ run: 'compactor 2' }).tier('t', policy);
      expect(moved.cold).toEqual({ files: 1, bytesBefore: file.bytes, bytesAfter: file.bytes });
      expect(moved.warm.files).toBe(1);
      const cooled = await store.snapshot('t');
      expect(tiersOf(cooled)).toEqual(['cold', 'warm']);
      // What is put together is written by whoever does so; a copy, byte for byte, by whom it was before.
      expect(cooled.files.map(({ tier, run }) => [tier, run]).sort()).toEqual([
        ['cold', 'compactor 1'],
        ['warm', 'compactor 2'],
      ]);
      expect(cooled.files.find(({ tier }) => tier === 'cold')).toMatchObject({ rows: 80, hotBytes: bytes });
      expect(await rowsOf(store)).toEqual(rows(0, 100));
      expect(await rowsOf(open(), 4)).toEqual(rows(0, 80));
      expect(await rowsOf(open(), warmed.version)).toEqual(rows(0, 100));
      // What is cold stays so, and what was moved is gone when nobody may want it.
      time.nowUs += policy.coldAfterUs;
      expect((await store.tier('t', policy)).cold.files).toBe(1);
      time.nowUs += 10;
      expect((await store.vacuum('t', { retainUs: 1 })).deletedFiles).toBe(7);
      expect((await store.vacuum('t', { retainUs: 1 })).deletedFiles).toBe(0);
      expect(tiersOf(await store.snapshot('t'))).toEqual(['cold', 'cold']);
      expect(await rowsOf(open())).toEqual(rows(0, 100));
      await expect(rowsOf(open(), 4)).rejects.toThrow(/4 of the 4 files of version 4 were vacuumed/);
    });

    test('a file that is read stays, whoever reads it', async () => {
      const { time, open, store } = await withRows();
      await store.tier('t', policy);
      const reader = open();
      for (let i = 0; i < 3; i++) {
        time.nowUs += policy.warmAfterUs - 1;
        expect(await rowsOf(reader)).toEqual(rows(0, 80));
        expect((await store.tier('t', policy)).warm.files).toBe(0);
      }
      time.nowUs += policy.warmAfterUs;
      expect((await store.tier('t', policy)).warm.files).toBe(4);
    });

    test('a file that was read stays, though its reader looks at an older version after it', async () => {
      const { time, open, store } = await withRows();
      await store.tier('t', policy);
      const reader = open();
      time.nowUs += policy.warmAfterUs - 1;
      expect(await rowsOf(reader)).toEqual(rows(0, 80));
      time.nowUs += Math.ceil(policy.warmAfterUs / 5);
      expect(await rowsOf(reader, 2)).toEqual(rows(0, 40));
      time.nowUs += Math.floor(policy.warmAfterUs / 5);
      expect((await store.tier('t', policy)).warm.files).toBe(0);
    });

    test('files of a pinned version stay where they are, until it is no longer pinned', async () => {
      const { time, store } = await withRows();
      await store.pin('t', 'kept', 2);
      time.nowUs += policy.warmAfterUs;
      expect((await store.tier('t', policy)).warm.files).toBe(2);
      time.nowUs += policy.coldAfterUs;
      await store.vacuum('t', { retainUs: 1 });
      expect(await rowsOf(store, { pin: 'kept' })).toEqual(rows(0, 40));
      expect(await rowsOf(store)).toEqual(rows(0, 80));
      await store.unpin('t', 'kept');
      time.nowUs += policy.warmAfterUs;
      expect((await store.tier('t', policy)).warm.files).toBe(2);
    });

    test('what is written again is hot, what is merged is hot, and a restore brings tiers back', async () => {
      const { time, store } = await withRows();
      time.nowUs += policy.warmAfterUs;
      await store.tier('t', policy);
      const warmed = await store.snapshot('t');
      await store.append('t', batch(80, 20), []);
      await store.append('t', batch(100, 20), []);
      await store.compact('t', { smallFileBytes: 1e9, targetFileBytes: 1e9 });
      expect(tiersOf(await store.snapshot('t'))).toEqual(['hot', 'warm']);
      await store.upsert('t', batch(3, 1, 'moved'), { key: ['id'], txns: [] });
      expect(tiersOf(await store.snapshot('t'))).toEqual(['hot', 'hot']);
      await store.restore('t', warmed.version);
      expect(tiersOf(await store.snapshot('t'))).toEqual(['warm']);
      expect(await rowsOf(store)).toEqual(rows(0, 80));
    });

    test('of a pinned version they are found though the log has forgotten that they ever left the table', async () => {
      const { time, open, store } = await withRows();
      time.nowUs += policy.warmAfterUs;
      await store.tier('t', policy);
      await store.pin('t', 'kept', (await store.snapshot('t')).version);
      await store.upsert('t', batch(3, 1, 'moved'), { key: ['id'], txns: [] });
      time.nowUs += 8 * dayUs;
      // A checkpoint follows, which leaves out what left the table more than a week ago.
      for (let i = 0; i < 50; i++) await store.append('t', { rows: 0, columns: {} }, [{ appId: 'app', version: i }]);
      expect(await rowsOf(open(), { pin: 'kept' })).toEqual(rows(0, 80));
      const { version } = await open().snapshot('t', { pin: 'kept' });
      await open().restore('t', version);
      expect(await rowsOf(open())).toEqual(rows(0, 80));
    });

    test.each([
      ['partitions', { partitionBy: ['region'], clusterBy: ['id'] }, 3],
      ['a curve', { clusterBy: ['id', 'region'] }, 1],
    ])('files of %s move as they are', async (_, layout, files) => {
      const { time, open, store } = await withRows(layout);
      await store.compact('t', { smallFileBytes: 1e9, targetFileBytes: 1e9 });
      time.nowUs += policy.warmAfterUs;
      await store.tier('t', policy);
      time.nowUs += policy.coldAfterUs;
      await store.tier('t', policy);
      expect(tiersOf(await store.snapshot('t'))).toEqual(Array(files).fill('cold'));
      time.nowUs += 10;
      expect((await store.vacuum('t', { retainUs: 1 })).deletedFiles).toBeGreaterThan(files);
      expect(await rowsOf(open())).toEqual(rows(0, 80));
    });

    test('of two that move files at the same time each row survives once', async () => {
      const { time, open, store } = await withRows();
      time.nowUs += policy.warmAfterUs;
      const both = [store.tier('t', policy), open().tier('t', policy)] as const;
      const upserted = open().upsert('t', batch(5, 1, 'moved'), { key: ['id'], txns: [] });
      await Promise.all([...both, upserted]);
      const expected = rows(0, 80).map((text) => (text === '[5,"r2"]' ? '[5,"moved"]' : text));
      expect(await rowsOf(store)).toEqual(expected.sort());
    });

    test('a policy that cannot be is refused', async () => {
      const { store } = await withRows();
      await expect(store.tier('t', { ...policy, warmAfterUs: 0 })).rejects.toThrow(
        /Table t: planebench.tier.warmAfterUs is 0; it must be a whole number, 1 or more/,
      );
      await expect(store.tier('absent', policy)).rejects.toThrow(/no table absent/);
    });
  });
}

function batch(first: number, count: number, region?: string): ColumnBatch {
  const id = Array.from({ length: count }, (_, i) => first + i);
  return { rows: count, columns: { id, region: id.map((n) => region ?? `r${n % 3}`) } };
}

function rows(first: number, count: number): ReturnType<typeof sorted> {
  return sorted(Array.from({ length: count }, (_, i) => [first + i, `r${(first + i) % 3}`]));
}
