/**
 * The part of the contract of the table store that is about tables which change their shape and are read by the part:
 * schemas that evolve, partitions, clustering, upserts, pins, restores. Called by contract.ts.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ColumnBatch, Schema } from '../columns.js';
import type { CountRequest } from './object-requests.js';
import type { Predicate, Snapshot, TableStore } from './port.js';

const schema: Schema = [
  { name: 'id', type: 'int', nullable: false },
  { name: 'region', type: 'text', nullable: true },
  { name: 'amount', type: 'int', nullable: true },
];
const names = schema.map(({ name }) => name);
const all = { smallFileBytes: 1e9, targetFileBytes: 1e9 };
type Row = readonly (string | number | null)[];

/** How many cases of a property are tried, where so many are usual. */
export type Cases = (usual: number) => { readonly numRuns: number };

export function layoutContract(
  setUp: () => { readonly time: { nowUs: number }; open(client?: { onRequest: CountRequest }): TableStore },
  cases: Cases,
): void {
  describe('schema evolution', () => {
    test('a new column is null in the rows that are there, for writers of the old schema too', async () => {
      const { open } = setUp();
      const [store, old, unaware] = [open(), open(), open()];
      await store.create('t', schema);
      await store.append('t', batch([[1, 'a', 10]]), []);
      for (const client of [old, unaware]) await client.snapshot('t');
      const wider: Schema = [...schema, { name: 'note', type: 'text', nullable: true }];
      expect(await store.evolve('t', wider)).toBe(2);
      expect(await store.evolve('t', wider)).toBe(2);
      await old.append('t', batch([[2, 'b', 20]]), []);
      // One that has not seen the column yet finds it when it is given one.
      await unaware.append('t', batch([[3, 'c', 30, 'new']], wider), []);
      const columns = [...names, 'note'];
      const expected = [
        [1, 'a', 10, null],
        [2, 'b', 20, null],
        [3, 'c', 30, 'new'],
      ];
      for (const client of [store, old, open()]) {
        const newest = await client.snapshot('t');
        expect(newest.schema).toEqual(wider);
        expect(await collect(client.scan(newest, { columns }))).toEqual(sorted(expected));
        expect(await collect(client.scan(newest, { columns: ['note'] }))).toEqual(sorted([[null], [null], ['new']]));
        const before = await client.snapshot('t', 1);
        expect(before.schema).toEqual(schema);
        await expect(collect(client.scan(before, { columns }))).rejects.toThrow(/Table t has no column note/);
      }
      // Whoever creates the table as it once was means this one.
      await old.create('t', schema);
      await store.compact('t', all);
      expect(await collect(store.scan(await store.snapshot('t'), { columns }))).toEqual(sorted(expected));
      await expect(store.append('t', batch([[4, 'd', 40, 'x']], [...schema, column('nte')]), [])).rejects.toThrow(
        /Table t has no column nte.*Evolve its schema first/,
      );
    });

    test('a column may become nullable', async () => {
      const { open } = setUp();
      const store = open();
      await store.create('t', schema);
      await store.append('t', batch([[1, 'a', 10]]), []);
      await expect(store.append('t', batch([[null, 'a', 10]]), [])).rejects.toThrow(/id, row 0: null/);
      await store.evolve('t', [{ name: 'id', type: 'int', nullable: true }, ...schema.slice(1)]);
      await store.append('t', batch([[null, 'b', 20]]), []);
      expect(await rowsIn(store, 't')).toEqual(
        sorted([
          [1, 'a', 10],
          [null, 'b', 20],
        ]),
      );
    });

    test('everything else is refused, with the reason', async () => {
      const { open } = setUp();
      const store = open();
      await store.create('t', schema);
      const [id, region, amount] = schema as [Schema[number], Schema[number], Schema[number]];
      const refused: [Schema, RegExp][] = [
        [[id, region], /Table t cannot get this schema: column amount would be dropped or renamed/],
        [[id, { ...region, name: 'area' }, amount], /column region would be dropped or renamed/],
        [[region, id, amount], /column id would move/],
        [[id, region, column('note'), amount], /column amount would move/],
        [[id, region, { ...amount, type: 'text' }], /column amount would change from int to text/],
        [[id, { ...region, nullable: false }, amount], /column region may hold nulls/],
        [[...schema, { ...column('note'), nullable: false }], /column note is new and not nullable/],
        [[...schema, column('AMOUNT')], /column AMOUNT is there twice/],
      ];
      for (const [to, reason] of refused) await expect(store.evolve('t', to)).rejects.toThrow(reason);
      const { version, schema: kept } = await store.snapshot('t');
      expect([version, kept]).toEqual([0, schema]);
      await expect(store.evolve('absent', schema)).rejects.toThrow(/no table absent/);
    });
  });

  describe('partitions', () => {
    const odd = ['a', 'b/c d', "it's 100 % * [x]=?.é", '__HIVE_DEFAULT_PARTITION__', null];

    test('each file is of one partition, and scans read only the partitions that they ask for', async () => {
      const { open } = setUp();
      const gets = { count: 0 };
      const onRequest: CountRequest = (kind) => {
        if (kind === 'get') gets.count++;
      };
      const store = open({ onRequest });
      const layout = { partitionBy: ['region'] };
      await store.create('t', schema, layout);
      await store.create('t', schema, layout);
      await expect(store.create('t', schema)).rejects.toThrow(
        /Table t exists, partitioned by region, not by no column/,
      );
      const rows = range(0, 49).map((i): Row => [i, odd[i % 5]!, i * 10]);
      await store.append('t', batch(rows.slice(0, 25)), []);
      await store.append('t', batch(rows.slice(25)), []);
      const snapshot = await store.snapshot('t');
      expect(snapshot.files.map((file) => file.rows)).toEqual(new Array(10).fill(5));
      expect(await rowsIn(store, 't')).toEqual(sorted(rows));
      expect(await collect(store.scan(snapshot, { columns: ['region'] }))).toEqual(
        sorted(rows.map((row) => [row[1]!])),
      );
      for (const region of odd) {
        const where: Predicate = { column: 'region', values: [region ?? 'null'] };
        gets.count = 0;
        const found = await collect(store.scan(snapshot, { columns: names, where }));
        expect(found).toEqual(sorted(region === null ? [] : rows.filter((row) => row[1] === region)));
        expect(gets.count).toBe(region === null ? 0 : 2);
      }
      // Compaction stays within a partition.
      expect(await store.compact('t', all)).toEqual({ filesBefore: 10, filesAfter: 5 });
      const late = open();
      expect(await rowsIn(late, 't')).toEqual(sorted(rows));
      expect((await late.snapshot('t')).files.map((file) => file.rows)).toEqual(new Array(5).fill(10));
    });

    test('a partition column may be named as hidden folders are', async () => {
      const { open, time } = setUp();
      const store = open();
      const own: Schema = ['_day', 'id'].map((name) => ({ name, type: 'int', nullable: false }));
      await store.create('t', own, { partitionBy: ['_day'] });
      for (const id of [1, 2]) await store.append('t', { rows: 1, columns: { _day: [3], id: [id] } }, []);
      await store.compact('t', all);
      const before = await store.snapshot('t', 2);
      expect(await collect(store.scan(before, { columns: ['id'] }))).toEqual(sorted([[1], [2]]));
      time.nowUs += 10;
      expect((await store.vacuum('t', { retainUs: 1 })).deletedFiles).toBe(2);
      expect(await collect(open().scan(await store.snapshot('t'), { columns: ['id'] }))).toEqual(sorted([[1], [2]]));
    });

    test('int partitions are ranges too; what cannot be a partition is refused', async () => {
      const { open, time } = setUp();
      const store = open();
      await store.create('t', schema, { partitionBy: ['amount', 'region'] });
      const rows = range(0, 11).map((i): Row => [i, i % 2 ? 'x' : null, i === 0 ? null : -(i % 3)]);
      await store.append('t', batch(rows), []);
      expect(await rowsIn(store, 't', { column: 'amount', from: -1 })).toEqual(
        sorted(rows.filter((row) => row[2] !== null && (row[2] as number) >= -1)),
      );
      await expect(store.append('t', batch([[1, '', 0]]), [])).rejects.toThrow(/empty text in partition column region/);
      expect((await store.snapshot('t')).version).toBe(1);
      await store.compact('t', all);
      await store.restore('t', 0);
      time.nowUs += 1_000_000;
      expect((await store.vacuum('t', { retainUs: 0 })).deletedFiles).toBe(7);
      await expect(store.create('u', schema, { partitionBy: ['nothing'] })).rejects.toThrow(
        /Table u has no column nothing/,
      );
      await expect(store.create('u', schema, { partitionBy: names })).rejects.toThrow(/every column is a partition/);
      const twice = { partitionBy: ['id'], clusterBy: ['id'] };
      await expect(store.create('u', schema, twice)).rejects.toThrow(/names column id twice/);
      expect(await store.tables()).toEqual(['t']);
    });
  });

  describe('ranges', () => {
    test('answer what a filter over all rows does, and read no file that they rule out', async () => {
      const { open } = setUp();
      const gets = { count: 0 };
      const onRequest: CountRequest = (kind) => {
        if (kind === 'get') gets.count++;
      };
      const store = open({ onRequest });
      await store.create('t', schema);
      const rows = range(0, 199).map((i): Row => [i, 'r', i % 7 ? i - 100 : null]);
      for (let i = 0; i < 200; i += 40) await store.append('t', batch(rows.slice(i, i + 40)), []);
      const snapshot = await store.snapshot('t');
      const bound = fc.option(fc.integer({ min: -10, max: 210 }), { nil: undefined });
      await fc.assert(
        fc.asyncProperty(fc.constantFrom('id', 'amount'), bound, bound, async (name, from, to) => {
          const where = { column: name, ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
          const at = names.indexOf(name);
          const expected = rows.filter((row) => {
            const value = row[at] as number | null;
            return value !== null && (from === undefined || value >= from) && (to === undefined || value < to);
          });
          gets.count = 0;
          expect(await collect(store.scan(snapshot, { columns: names, where }))).toEqual(sorted(expected));
          const held = new Set(expected.map((row) => Math.floor((row[0] as number) / 40)));
          expect(gets.count).toBeGreaterThanOrEqual(held.size);
          if (name === 'id') expect(gets.count).toBe(held.size);
        }),
        cases(20),
      );
      const text: Predicate = { column: 'region', from: 1 };
      await expect(rowsIn(store, 't', text)).rejects.toThrow(/column region is text; only int columns have ranges/);
      await expect(rowsIn(store, 't', { column: 'id', values: ['1'] })).rejects.toThrow(
        /column id is int, and "1" is not/,
      );
      await expect(rowsIn(store, 't', { column: 'no', values: [] })).rejects.toThrow(/no column no/);
    });
  });

  describe('clustering', () => {
    test('after compaction a slice by any of the columns touches few files, and the rows are the same', async () => {
      const { open } = setUp();
      const gets = { count: 0 };
      const onRequest: CountRequest = (kind) => {
        if (kind === 'get') gets.count++;
      };
      const store = open({ onRequest });
      const clusterBy = ['id', 'amount'];
      await store.create('t', schema, { clusterBy });
      // `id` in no order, `amount` skewed: squares, so that ranks and values differ.
      const rows = range(0, 9_999).map((i): Row => [(i * 7_919) % 10_000, `r${i % 3}`, ((i * 31) % 101) ** 2]);
      for (let i = 0; i < 10_000; i += 1_000) await store.append('t', batch(rows.slice(i, i + 1_000)), []);
      const bytes = (await store.snapshot('t')).files.reduce((sum, file) => sum + file.bytes, 0);
      const { filesAfter } = await store.compact('t', {
        smallFileBytes: bytes,
        targetFileBytes: Math.ceil(bytes / 64),
      });
      expect(filesAfter).toBe(64);
      const snapshot = await store.snapshot('t');
      expect(snapshot.files.map((file) => file.rows).every((count) => count === 156 || count === 157)).toBe(true);
      expect(await rowsIn(store, 't')).toEqual(sorted(rows));
      const touched = async (where: Predicate) => {
        gets.count = 0;
        const found = await collect(store.scan(snapshot, { columns: names, where }));
        return { files: gets.count, rows: found.length };
      };
      // Of 64 files 8 make up a strip of the curve's square; one of 1 % lies in one strip or across two.
      const slice = await touched({ column: 'id', from: 4_200, to: 4_300 });
      expect(slice.rows).toBe(100);
      expect(slice.files).toBeLessThanOrEqual(16);
      const other = await touched({ column: 'amount', from: 60 ** 2, to: 61 ** 2 });
      expect(other.rows).toBe(99);
      expect(other.files).toBeLessThanOrEqual(16);
      // What is clustered stays; what comes is clustered once it is compacted.
      const again = { smallFileBytes: 1, targetFileBytes: Math.ceil(bytes / 64) };
      expect(await store.compact('t', again)).toEqual({ filesBefore: 64, filesAfter: 64 });
      expect((await store.snapshot('t')).version).toBe(snapshot.version);
      await store.append('t', batch(rows.slice(0, 10)), []);
      expect(await store.compact('t', { ...again, targetFileBytes: bytes })).toEqual({
        filesBefore: 65,
        filesAfter: 65,
      });
      expect((await store.snapshot('t')).version).toBe(snapshot.version + 2);
    });

    test('by one column files do not overlap, within each partition', async () => {
      const { open } = setUp();
      const store = open();
      await store.create('t', schema, { clusterBy: ['id'], partitionBy: ['region'] });
      const rows = range(0, 399).map((i): Row => [(i * 37) % 400, i % 2 ? 'x' : 'y', i]);
      for (let i = 0; i < 400; i += 100) await store.append('t', batch(rows.slice(i, i + 100)), []);
      const bytes = (await store.snapshot('t')).files.reduce((sum, file) => sum + file.bytes, 0);
      await store.compact('t', { smallFileBytes: bytes, targetFileBytes: Math.ceil(bytes / 8) });
      const { files } = await store.snapshot('t');
      expect(files.map((file) => file.rows)).toEqual(new Array(8).fill(50));
      expect(await rowsIn(store, 't', { column: 'id', from: 7, to: 11 })).toEqual(
        sorted(rows.filter((row) => (row[0] as number) >= 7 && (row[0] as number) < 11)),
      );
    });
  });

  describe('upsert', () => {
    test('replaces rows of the same key, adds the others, and writes only the files that hold one', async () => {
      const { open } = setUp();
      const store = open();
      await store.create('t', schema);
      await store.append('t', batch(range(0, 9).map((i): Row => [i, 'old', i])), []);
      await store.append('t', batch(range(10, 19).map((i): Row => [i, 'old', i])), []);
      const before = await store.snapshot('t');
      const rows: Row[] = [
        [3, 'new', null],
        [25, 'new', 25],
      ];
      expect(await store.upsert('t', batch(rows), { key: ['id'], txns: [] })).toEqual({ committed: true, version: 3 });
      const after = await store.snapshot('t');
      expect(after.files.map((file) => file.rows).sort()).toEqual([1, 10, 10]);
      expect(after.files.filter(({ path }) => before.files.some((file) => file.path === path)).length).toBe(1);
      const expected = [
        ...range(0, 19)
          .filter((i) => i !== 3)
          .map((i): Row => [i, 'old', i]),
        ...rows,
      ];
      expect(await rowsIn(store, 't')).toEqual(sorted(expected));
      const keys = { rows: 3, columns: { id: [0, 25, 99] } };
      expect((await store.remove('t', keys, { key: ['id'], txns: [] })).version).toBe(4);
      expect(await rowsIn(store, 't')).toEqual(sorted(expected.filter((row) => row[0] !== 0 && row[0] !== 25)));
      const absent = { rows: 1, columns: { id: [99] } };
      expect(await store.remove('t', absent, { key: ['id'], txns: [] })).toEqual({ committed: false, version: 4 });
      expect(await rowsIn(store, 't', undefined, 3)).toEqual(sorted(expected));
    });

    test('is committed once a transaction, and refuses keys that say nothing', async () => {
      const { open } = setUp();
      const [store, other] = [open(), open()];
      await store.create('t', schema);
      const options = { key: ['id', 'region'], txns: [{ appId: 'app', version: 1 }] };
      expect(await store.upsert('t', batch([[1, 'a', 1]]), options)).toEqual({ committed: true, version: 1 });
      for (const client of [store, other]) {
        expect(await client.upsert('t', batch([[1, 'a', 2]]), options)).toEqual({ committed: false, version: 1 });
      }
      const next = { ...options, txns: [{ appId: 'app', version: 2 }] };
      const nobody = { rows: 1, columns: { id: [7], region: ['z'] } };
      expect(await other.remove('t', nobody, next)).toEqual({ committed: true, version: 2 });
      expect(await store.txns('t')).toEqual(new Map([['app', 2]]));
      const refused = (rows: readonly Row[], key: readonly string[]) =>
        store.upsert('t', batch(rows), { key, txns: [] });
      await expect(refused([[1, null, 1]], ['region'])).rejects.toThrow(
        /Table t: 1 rows have a null in their key region/,
      );
      await expect(
        refused(
          [
            [1, 'a', 1],
            [1, 'b', 1],
          ],
          ['id'],
        ),
      ).rejects.toThrow(/Table t: 1 keys \(id\) come more than once/);
      await expect(refused([[1, 'a', 1]], ['nothing'])).rejects.toThrow(/no column nothing/);
      expect((await store.snapshot('t')).version).toBe(2);
      expect(await rowsIn(store, 't')).toEqual(sorted([[1, 'a', 1]]));
    });

    test('equals putting rows in place by hand, whatever the partitions, files and compactions', async () => {
      const { open } = setUp();
      const clients = [open(), open()] as const;
      const row = fc.tuple(fc.integer({ min: 0, max: 15 }), fc.constantFrom('a', 'b', 'c d', null), fc.nat(9));
      const rows = fc.uniqueArray(row, { minLength: 1, maxLength: 8, selector: ([id]) => id });
      const step = fc.oneof(
        { weight: 4, arbitrary: fc.record({ do: fc.constant('upsert' as const), rows, client: fc.nat(1) }) },
        { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), rows, client: fc.nat(1) }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('append' as const), rows, client: fc.nat(1) }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const), rows, client: fc.nat(1) }) },
      );
      const layouts = fc.constantFrom({}, { partitionBy: ['region'] }, { clusterBy: ['id', 'amount'] });
      let runs = 0;
      await fc.assert(
        fc.asyncProperty(layouts, fc.array(step, { minLength: 2, maxLength: 8 }), async (layout, steps) => {
          const table = `t${++runs}`;
          await clients[0].create(table, schema, layout);
          let held: Row[] = [];
          for (const next of steps) {
            const client = clients[next.client]!;
            const others = held.filter((old) => !next.rows.some(([id]) => id === old[0]));
            if (next.do === 'append') {
              await client.append(table, batch(next.rows), []);
              held.push(...next.rows);
            } else if (next.do === 'compact') await client.compact(table, all);
            else if (next.do === 'remove') {
              const keys = { rows: next.rows.length, columns: { id: next.rows.map(([id]) => id) } };
              await client.remove(table, keys, { key: ['id'], txns: [] });
              held = others;
            } else {
              await client.upsert(table, batch(next.rows), { key: ['id'], txns: [] });
              held = [...others, ...next.rows];
            }
            expect(await rowsIn(clients[0], table)).toEqual(sorted(held));
          }
        }),
        cases(15),
      );
    });

    test('of upserts at the same time none is lost', async () => {
      const { open } = setUp();
      const clients = [open(), open(), open()];
      await clients[0]!.create('t', schema);
      await clients[0]!.append('t', batch(range(0, 8).map((i): Row => [i, 'old', 0])), []);
      const upserts = clients.map(async (client, i) => {
        for (const round of [1, 2]) {
          await client.upsert('t', batch([[i, 'new', round]]), { key: ['id'], txns: [] });
        }
      });
      await Promise.all(upserts);
      const expected = range(0, 8).map((i): Row => (i < 3 ? [i, 'new', 2] : [i, 'old', 0]));
      expect(await rowsIn(clients[0]!, 't')).toEqual(sorted(expected));
      expect((await clients[0]!.snapshot('t')).version).toBe(7);
    });
  });

  describe('pins, restores and time travel', () => {
    async function withVersions() {
      const { time, open } = setUp();
      const store = open();
      await store.create('t', schema);
      const createdUs = time.nowUs;
      for (let i = 1; i <= 3; i++) {
        time.nowUs += 1_000_000;
        await store.append('t', batch([[i, 'r', i]]), [{ appId: 'app', version: i }]);
      }
      const upTo = (last: number) => sorted(range(1, last).map((i): Row => [i, 'r', i]));
      return { time, open, store, createdUs, upTo };
    }

    test('a pinned version stays, whatever the retention, until it is unpinned', async () => {
      const { time, open, store, upTo } = await withVersions();
      await store.pin('t', 'model 7', 2);
      await store.pin('t', 'model 7', 2);
      expect(await open().pins('t')).toEqual(new Map([['model 7', 2]]));
      await store.compact('t', all);
      time.nowUs += 1_000_000;
      expect((await open().vacuum('t', { retainUs: 0 })).deletedFiles).toBe(1);
      const pinned = await store.snapshot('t', { pin: 'model 7' });
      expect(pinned.version).toBe(2);
      expect(await collect(store.scan(pinned, { columns: names }))).toEqual(upTo(2));
      const { version } = await store.snapshot('t');
      await expect(store.pin('t', 'late', 3)).rejects.toThrow(
        /Table t: version 3 cannot be pinned as late: 1 of its 3 files/,
      );
      await expect(store.pin('t', 'never', 99)).rejects.toThrow(/Table t has no version 99/);
      await expect(store.snapshot('t', { pin: 'model 8' })).rejects.toThrow(
        /Table t has no pinned snapshot model 8; pinned are model 7/,
      );
      await expect(store.unpin('t', 'model 8')).rejects.toThrow(/no pinned snapshot model 8/);
      expect((await store.snapshot('t')).version).toBe(version);
      await store.unpin('t', 'model 7');
      expect((await store.vacuum('t', { retainUs: 0 })).deletedFiles).toBe(2);
      await expect(store.snapshot('t', { pin: 'model 7' })).rejects.toThrow(/pinned are none/);
      await expect(rowsIn(store, 't', undefined, 2)).rejects.toThrow(
        /Table t: 2 of the 2 files of version 2 were vacuumed, part-\S+ among/,
      );
    });

    test('what a restore took away and another one brought back has come once', async () => {
      const store = setUp().open();
      await store.create('t', schema);
      for (const id of [1, 2]) await store.append('t', batch([[id, 'r', id]]), []);
      for (const version of [1, 2]) await store.restore('t', version);
      const newest = await store.snapshot('t');
      expect(await collect(store.scan(newest, { columns: ['id'], since: 0 }))).toEqual(sorted([[1], [2]]));
    });

    test('a restore brings rows and schema of an old version back as a new one, and keeps transactions and pins', async () => {
      const { time, open, store, upTo } = await withVersions();
      await store.pin('t', 'kept', 1);
      const wider = [...schema, column('note')];
      await store.evolve('t', wider);
      await store.append('t', batch([[9, 'r', 9, 'x']], wider), [{ appId: 'app', version: 9 }]);
      await store.compact('t', all);
      const { version } = await store.snapshot('t');
      expect(await store.restore('t', 2)).toBe(version + 1);
      for (const client of [store, open()]) {
        const restored = await client.snapshot('t');
        expect(restored.schema).toEqual(schema);
        expect(await collect(client.scan(restored, { columns: names }))).toEqual(upTo(2));
        expect(await client.txns('t')).toEqual(new Map([['app', 9]]));
        expect(await client.pins('t')).toEqual(new Map([['kept', 1]]));
      }
      expect(await store.restore('t', 2)).toBe(version + 1);
      // And back: what the restore took away is as old as any other version.
      expect(await store.restore('t', version)).toBe(version + 2);
      const columns = [...names, 'note'];
      expect(await collect(store.scan(await store.snapshot('t'), { columns }))).toEqual(
        sorted([...range(1, 3).map((i): Row => [i, 'r', i, null]), [9, 'r', 9, 'x']]),
      );
      await store.append('t', batch([[10, 'r', 10, 'y']], wider), []);
      // A file that came back by a restore is live; vacuum takes what left, once.
      await store.restore('t', 3);
      time.nowUs += 1_000_000;
      expect((await store.vacuum('t', { retainUs: 0 })).deletedFiles).toBe(3);
      expect(await rowsIn(store, 't')).toEqual(upTo(3));
      const newest = (await store.snapshot('t')).version;
      await expect(store.restore('t', version)).rejects.toThrow(
        new RegExp(`Table t: version ${version} cannot be restored: 1 of its 1 files are gone, part-\\S+ among them`),
      );
      await expect(store.restore('t', 999)).rejects.toThrow(/Table t has no version 999/);
      expect((await store.snapshot('t')).version).toBe(newest);
    });

    test('a moment is the newest version that was there', async () => {
      const { open, store, createdUs, upTo } = await withVersions();
      for (const client of [store, open()]) {
        for (const [laterUs, version] of [
          [0, 0],
          [999_999, 0],
          [1_000_000, 1],
          [2_500_000, 2],
          [3_000_000, 3],
          [99_000_000, 3],
        ] as const) {
          const snapshot: Snapshot = await client.snapshot('t', { timestampUs: createdUs + laterUs });
          expect(snapshot.version).toBe(version);
          expect(await collect(client.scan(snapshot, { columns: names }))).toEqual(upTo(version));
        }
        await expect(client.snapshot('t', { timestampUs: createdUs - 1 })).rejects.toThrow(/Table t has no version at/);
      }
    });
  });
}

function column(name: string): Schema[number] {
  return { name, type: 'text', nullable: true };
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function batch(rows: readonly Row[], columns: Schema = schema): ColumnBatch {
  const values = columns.map(({ name }, i) => [name, rows.map((row) => row[i] ?? null)]);
  return { rows: rows.length, columns: Object.fromEntries(values) };
}

async function rowsIn(store: TableStore, table: string, where?: Predicate, version?: number): Promise<string[]> {
  const snapshot = await store.snapshot(table, version);
  return collect(store.scan(snapshot, { columns: names, ...(where && { where }) }));
}

/** Rows as texts, in the order of the texts: a scan promises none. */
export async function collect(batches: AsyncIterable<ColumnBatch>): Promise<string[]> {
  const rows: string[] = [];
  for await (const { rows: count, columns } of batches) {
    const values = Object.values(columns);
    for (let i = 0; i < count; i++) rows.push(JSON.stringify(values.map((column) => column[i])));
  }
  return rows.sort();
}

export function sorted(rows: readonly Row[]): string[] {
  return rows.map((row) => JSON.stringify(row)).sort();
}
