/**
 * What every variant of the table store must do. `fresh` gives an empty place that any number of clients may open;
 * `share` is that of the generated cases that are tried, for variants whose calls take long.
 */
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { type Clock, hostClock } from '../../clock.js';
import type { ColumnBatch, IntValues, Schema, TextValues } from '../columns.js';
import { deriveContract } from './derive-contract.fixture.js';
import { collect, layoutContract, sorted } from './layout-contract.fixture.js';
import type { CountRequest } from './object-requests.js';
import type { FoldSpec, Snapshot, TableStore } from './port.js';
import { tierContract } from './tier-contract.fixture.js';

export interface TablePlace {
  /** `run`: of which the files that the client writes shall tell. */
  open(clock: Clock, client?: { readonly onRequest?: CountRequest; readonly run?: string }): TableStore;
  destroy(): Promise<void>;
}

const schema: Schema = [
  { name: 'kind', type: 'text', nullable: false },
  { name: 'entity', type: 'int', nullable: false },
  { name: 'lsn', type: 'int', nullable: false },
  { name: 'op', type: 'text', nullable: false },
  { name: 'refused', type: 'text', nullable: true },
  { name: 'amount', type: 'int', nullable: true },
];
const names = schema.map(({ name }) => name);
type Row = readonly (string | number | null)[];

export function tableStoreContract(name: string, fresh: () => TablePlace, share = 1): void {
  const cases = (usual: number) => ({ numRuns: Math.ceil(usual * share) });
  describe(`${name}: contract of the table store`, () => {
    const cleanups: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    });

    /** A clock whose time the test moves, and a way to open clients of one new place. */
    function setUp() {
      const place = fresh();
      cleanups.push(() => place.destroy());
      const time = { nowUs: 1_700_000_000_000_000 };
      const clock: Clock = { ...hostClock, nowUs: () => time.nowUs };
      const open = (client?: Parameters<TablePlace['open']>[1]) => {
        const store = place.open(clock, client);
        cleanups.push(() => store.close());
        return store;
      };
      return { time, open };
    }

    async function withTable() {
      const { time, open } = setUp();
      const store = open();
      await store.create('changes', schema);
      return { time, open, store };
    }

    test('creates a table once, and says so when the schema differs', async () => {
      const { open } = setUp();
      const [a, b] = [open(), open()];
      expect(await a.tables()).toEqual([]);
      await Promise.all([a.create('changes', schema), b.create('changes', schema)]);
      await a.create('other', schema);
      expect(await b.tables()).toEqual(['changes', 'other']);
      await expect(b.create('changes', schema.slice(1))).rejects.toThrow(/Table changes exists with the schema/);
      expect((await b.snapshot('changes')).schema).toEqual(schema);
      await expect(b.create('../x', schema)).rejects.toThrow(/no name for a table/);
      await expect(b.append('absent', batch([]), [])).rejects.toThrow(/no table absent/);
      await expect(b.snapshot('absent')).rejects.toThrow(/no table absent/);
    });

    test('answers the rows that were appended, by any client', async () => {
      const { open, store } = await withTable();
      const first = rowsFrom(1, 5_000);
      const second = rowsFrom(5_001, 10);
      expect(await store.append('changes', batch(first), [])).toEqual({ committed: true, version: 1 });
      expect(await open().append('changes', batch(second), [])).toEqual({ committed: true, version: 2 });
      for (const client of [store, open()]) {
        const snapshot = await client.snapshot('changes');
        expect(snapshot.version).toBe(2);
        expect(snapshot.files.map(({ rows }) => rows)).toEqual([5_000, 10]);
        expect(await rowsIn(client, snapshot)).toEqual(sorted([...first, ...second]));
        await expect(collect(client.scan(snapshot, { columns: ['nothing'] }))).rejects.toThrow(/no column nothing/);
      }
    });

    test('every file tells which run wrote it, whatever wrote it, through restores and checkpoints', async () => {
      const { open } = setUp();
      const [stream, compactor, stranger] = [open({ run: 'stream 1' }), open({ run: 'compactor 1' }), open()];
      await stream.create('changes', schema);
      await stream.create('current', schema);
      const runsOf = async (table: string) => (await open().snapshot(table)).files.map(({ run }) => run);
      for (let i = 0; i < 12; i++) await stream.append('changes', batch(rowsFrom(1 + 10 * i, 10)), []);
      await stranger.append('changes', batch(rowsFrom(121, 10)), []);
      expect(await runsOf('changes')).toEqual([...Array<string>(12).fill('stream 1'), null]);
      await compactor.fold({
        from: 'changes',
        into: 'current',
        key: ['kind', 'entity'],
        order: 'lsn',
        deletion: { column: 'op', value: 'd' },
      });
      await compactor.compact('changes', { smallFileBytes: 1 << 20, targetFileBytes: 1 << 20 });
      expect(await runsOf('current')).toEqual(['compactor 1']);
      expect(await runsOf('changes')).toEqual(['compactor 1']);
      const batchRole = open({ run: 'batch 1' });
      const from = { changes: { snapshot: await batchRole.snapshot('changes') } };
      for (const sortBy of [[], ['lsn']])
        await batchRole.derive({
          into: 'current',
          from,
          sql: 'SELECT * FROM changes',
          mode: 'replace',
          sortBy,
          txns: [],
          run: 'job 1 of batch 1',
        });
      expect(new Set(await runsOf('current'))).toEqual(new Set(['job 1 of batch 1']));
      await stream.upsert('current', batch(rowsFrom(1, 1)), { key: ['lsn'], txns: [] });
      expect(await runsOf('current')).toContain('stream 1');
      await stranger.restore('changes', 13);
      expect((await runsOf('changes')).toSorted()).toEqual([null, ...Array<string>(12).fill('stream 1')].toSorted());
    });

    test('an append without rows and txns commits nothing', async () => {
      const { store } = await withTable();
      expect(await store.append('changes', batch([]), [])).toEqual({ committed: false, version: 0 });
    });

    test('commits a transaction once, whoever tries it again', async () => {
      const { open, store } = await withTable();
      const txns = (version: number) => [
        { appId: 'p0', version },
        { appId: 'p1', version: 7 * version },
      ];
      expect((await store.append('changes', batch(rowsFrom(1, 3)), txns(1))).committed).toBe(true);
      const other = open();
      const stale = open();
      expect(await stale.txns('changes')).toEqual(new Map([...txns(1).map((t) => [t.appId, t.version] as const)]));
      for (const client of [store, other]) {
        expect(await client.append('changes', batch(rowsFrom(1, 3)), txns(1))).toEqual({
          committed: false,
          version: 1,
        });
        expect((await client.append('changes', batch(rowsFrom(1, 3)), txns(0))).committed).toBe(false);
      }
      // Progress without rows, then a client whose last look at the table was before it.
      expect(await other.append('changes', batch([]), txns(2))).toEqual({ committed: true, version: 2 });
      expect(await stale.append('changes', batch(rowsFrom(4, 3)), txns(2))).toEqual({ committed: false, version: 2 });
      // One recorded transaction is enough to refuse the whole commit.
      const half = [
        { appId: 'p0', version: 2 },
        { appId: 'new', version: 1 },
      ];
      expect((await store.append('changes', batch(rowsFrom(4, 3)), half)).committed).toBe(false);
      expect(await open().txns('changes')).toEqual(
        new Map([
          ['p0', 2],
          ['p1', 14],
        ]),
      );
      expect(await rowsIn(store, await store.snapshot('changes'))).toEqual(sorted(rowsFrom(1, 3)));
    });

    test('appends at the same time are all committed, each whole and in a version of its own', async () => {
      const { open, store } = await withTable();
      const count = Math.max(12, cases(30).numRuns);
      const clients = [store, open(), open()];
      const results = await Promise.all(
        Array.from({ length: count }, (_, i) =>
          clients[i % 3]!.append('changes', batch(rowsFrom(100 * i, 20)), [{ appId: `writer ${i}`, version: i }]),
        ),
      );
      expect(results.map(({ version }) => version).sort((a, b) => a - b)).toEqual(range(1, count));
      const all = range(0, count - 1).flatMap((i) => rowsFrom(100 * i, 20));
      for (const client of clients) expect(await rowsIn(client, await client.snapshot('changes'))).toEqual(sorted(all));
      for (const [i, { version }] of results.entries()) {
        const before = await rowsIn(store, await store.snapshot('changes', version - 1));
        const after = await rowsIn(store, await store.snapshot('changes', version));
        expect(after).toEqual([...before, ...sorted(rowsFrom(100 * i, 20))].sort());
      }
    });

    test('a snapshot stays what it was, and every version can be read again', async () => {
      const { open, store } = await withTable();
      const held: Snapshot[] = [await store.snapshot('changes')];
      for (let i = 0; i < 5; i++) {
        await store.append('changes', batch(rowsFrom(10 * i, 10)), []);
        held.push(await store.snapshot('changes'));
      }
      await store.compact('changes', { smallFileBytes: 1e6, targetFileBytes: 1e6 });
      const other = open();
      for (const [version, snapshot] of held.entries()) {
        const expected = sorted(rowsFrom(0, 10 * version));
        expect(await rowsIn(store, snapshot)).toEqual(expected);
        expect(await rowsIn(other, await other.snapshot('changes', version))).toEqual(expected);
        // A snapshot is a value: another client can read it.
        expect(await rowsIn(other, JSON.parse(JSON.stringify(snapshot)) as Snapshot)).toEqual(expected);
      }
      await expect(store.snapshot('changes', 99)).rejects.toThrow(/no version 99; the newest is 6/);
    });

    test('since answers the rows of later commits, whatever was compacted meanwhile', async () => {
      const { open, store } = await withTable();
      for (let i = 0; i < 6; i++) {
        await store.append('changes', batch(rowsFrom(10 * i, 10)), []);
        if (i === 3) await store.compact('changes', { smallFileBytes: 1e6, targetFileBytes: 1e6 });
      }
      // Versions: 0 create, 1 to 4 appends, 5 compaction, 6 and 7 appends.
      const appended = [0, 0, 10, 20, 30, 40, 40, 50, 60];
      for (const client of [store, open()]) {
        const snapshot = await client.snapshot('changes');
        for (let since = 0; since <= 7; since++) {
          const rows = await collect(client.scan(snapshot, { columns: names, since }));
          expect(rows).toEqual(sorted(rowsFrom(appended[since + 1]!, 60 - appended[since + 1]!)));
        }
        const older = await client.snapshot('changes', 3);
        expect(await collect(client.scan(older, { columns: names, since: 1 }))).toEqual(sorted(rowsFrom(10, 20)));
      }
    });

    test('where answers what a filter over all rows does, whatever files it may skip', async () => {
      const { store } = await withTable();
      const held: Row[] = [];
      const value = fc.option(fc.integer({ min: -40, max: 40 }), { freq: 4 });
      await fc.assert(
        fc.asyncProperty(
          fc.array(value, { minLength: 1, maxLength: 6 }),
          fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 5 }),
          async (amounts, values) => {
            const rows = amounts.map((amount, i): Row => ['k', i, held.length + i, 'c', null, amount]);
            await store.append('changes', batch(rows), []);
            held.push(...rows);
            const snapshot = await store.snapshot('changes');
            const found = await collect(store.scan(snapshot, { columns: names, where: { column: 'amount', values } }));
            expect(found).toEqual(sorted(held.filter((row) => values.includes(row[5] as number))));
          },
        ),
        cases(40),
      );
    });

    test('a scan that is abandoned leaves the store usable', async () => {
      const { store } = await withTable();
      await store.append('changes', batch(rowsFrom(0, 20_000)), []);
      const snapshot = await store.snapshot('changes');
      for await (const some of store.scan(snapshot, { columns: names })) {
        expect(some.rows).toBeGreaterThan(0);
        break;
      }
      expect((await collect(store.scan(snapshot, { columns: ['lsn'] }))).length).toBe(20_000);
    });

    test('compaction keeps the rows, beside appends, and reduces the files', async () => {
      const { open, store } = await withTable();
      const other = open();
      for (let i = 0; i < 12; i++) await store.append('changes', batch(rowsFrom(100 * i, 100)), []);
      const [result] = await Promise.all([
        store.compact('changes', { smallFileBytes: 1e6, targetFileBytes: 1e6 }),
        ...range(12, 19).map((i) => other.append('changes', batch(rowsFrom(100 * i, 100)), [])),
      ]);
      expect(result.filesBefore).toBeGreaterThanOrEqual(12);
      expect(result.filesAfter).toBe(1);
      const snapshot = await open().snapshot('changes');
      expect(await rowsIn(open(), snapshot)).toEqual(sorted(rowsFrom(0, 2_000)));
      const again = await store.compact('changes', { smallFileBytes: 1, targetFileBytes: 1e6 });
      expect(again.filesAfter).toBe(again.filesBefore);
    });

    test('of two compactions at the same time each row survives once', async () => {
      const { open, store } = await withTable();
      for (let i = 0; i < 8; i++) await store.append('changes', batch(rowsFrom(10 * i, 10)), []);
      const sizes = { smallFileBytes: 1e6, targetFileBytes: 1e6 };
      await Promise.all([store.compact('changes', sizes), open().compact('changes', sizes)]);
      const snapshot = await store.snapshot('changes');
      expect(snapshot.files.length).toBe(1);
      expect(await rowsIn(store, snapshot)).toEqual(sorted(rowsFrom(0, 80)));
    });

    test('compaction respects the target size', async () => {
      const { store } = await withTable();
      for (let i = 0; i < 8; i++) await store.append('changes', batch(rowsFrom(10 * i, 10)), []);
      const { bytes } = (await store.snapshot('changes')).files[0]!;
      await store.compact('changes', { smallFileBytes: 1e6, targetFileBytes: Math.ceil(2.5 * bytes) });
      expect((await store.snapshot('changes')).files.map(({ rows }) => rows)).toEqual([20, 20, 20, 20]);
    });

    test('a small file that is alone is merged with a large one beside it, where the target has room', async () => {
      const { store } = await withTable();
      await store.append('changes', batch(rowsFrom(0, 1_000)), []);
      await store.append('changes', batch(rowsFrom(1_000, 10)), []);
      const [large, small] = (await store.snapshot('changes')).files.map(({ bytes }) => bytes).sort((a, b) => b - a);
      const compactInto = async (targetFileBytes: number) => {
        await store.compact('changes', { smallFileBytes: small! + 1, targetFileBytes });
        return (await store.snapshot('changes')).files.map(({ rows }) => rows).sort((a, b) => a - b);
      };
      expect(await compactInto(large! + small! - 1)).toEqual([10, 1_000]);
      expect(await compactInto(large! + small!)).toEqual([1_010]);
      expect(await rowsIn(store, await store.snapshot('changes'))).toEqual(sorted(rowsFrom(0, 1_010)));
    });

    test('vacuum deletes what no snapshot younger than the retention refers to, and nothing else', async () => {
      const { time, open, store } = await withTable();
      for (let i = 0; i < 4; i++) await store.append('changes', batch(rowsFrom(10 * i, 10)), []);
      time.nowUs += 10_000_000;
      await store.compact('changes', { smallFileBytes: 1e6, targetFileBytes: 1e6 });
      const files = (await store.snapshot('changes', 4)).files;
      time.nowUs += 5_000_000;
      // Version 4 was the newest until 5 s ago.
      expect(await store.vacuum('changes', { retainUs: 6_000_000 })).toEqual({ deletedFiles: 0, deletedBytes: 0 });
      expect(await rowsIn(store, await store.snapshot('changes', 4))).toEqual(sorted(rowsFrom(0, 40)));
      expect(await open().vacuum('changes', { retainUs: 4_000_000 })).toEqual({
        deletedFiles: 4,
        deletedBytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
      });
      expect(await store.vacuum('changes', { retainUs: 0 })).toEqual({ deletedFiles: 0, deletedBytes: 0 });
      expect(await rowsIn(store, await store.snapshot('changes'))).toEqual(sorted(rowsFrom(0, 40)));
      const old = await store.snapshot('changes', 4);
      await expect(rowsIn(store, old)).rejects.toThrow(/4 of the 4 files of version 4 were vacuumed/);
      const newest = await store.snapshot('changes');
      await expect(collect(store.scan(newest, { columns: names, since: 2 }))).rejects.toThrow(/2 of the 2 files added/);
    });

    test('a client that opens late sees what one sees that was there all along', async () => {
      const { open, store } = await withTable();
      for (let i = 0; i < 120; i++) {
        await store.append('changes', batch(rowsFrom(i, 1)), [{ appId: `p${i % 7}`, version: i }]);
        if (i % 40 === 39) await store.compact('changes', { smallFileBytes: 1e6, targetFileBytes: 1e6 });
      }
      const late = open();
      expect(await late.snapshot('changes')).toEqual(await store.snapshot('changes'));
      expect(await late.txns('changes')).toEqual(await store.txns('changes'));
      const snapshot = await late.snapshot('changes');
      expect(snapshot.version).toBe(123);
      expect(await rowsIn(late, snapshot)).toEqual(sorted(rowsFrom(0, 120)));
      const around = share < 1 ? [0, 41, 50, 101] : [0, 1, 39, 41, 49, 50, 51, 99, 100, 101];
      for (const version of around) {
        const past = await open().snapshot('changes', version);
        const appended = version - Math.floor(version / 41);
        expect(past.version).toBe(version);
        expect(await rowsIn(late, past)).toEqual(sorted(rowsFrom(0, appended)));
      }
    });

    describe('derive', () => deriveContract(setUp, cases));
    layoutContract(setUp, cases);
    tierContract(setUp);

    describe('fold', () => {
      const spec: FoldSpec = {
        from: 'changes',
        into: 'current',
        key: ['kind', 'entity'],
        order: 'lsn',
        unless: 'refused',
        deletion: { column: 'op', value: 'd' },
      };

      async function withTables() {
        const { time, open, store } = await withTable();
        await store.create('current', schema);
        return { time, open, store };
      }

      test('keeps the latest row of each key', async () => {
        const { store } = await withTables();
        const rows: Row[] = [
          ['a', 1, 1, 'c', null, 10],
          ['a', 1, 3, 'u', null, 30],
          ['b', 1, 2, 'c', null, 20],
          ['a', 2, 4, 'c', null, null],
          ['a', 3, 5, 'c', null, 50],
          ['a', 3, 6, 'd', null, null],
          ['b', 1, 7, 'u', 'late', 70],
        ];
        await store.append('changes', batch(rows), []);
        expect(await store.fold(spec)).toEqual({ foldedRows: 6, version: 1 });
        expect(await rowsIn(store, await store.snapshot('current'))).toEqual(sorted([rows[1]!, rows[2]!, rows[3]!]));
        expect(await store.txns('current')).toEqual(new Map([['fold:changes', 1]]));
        expect(await store.fold(spec)).toEqual({ foldedRows: 0, version: 1 });
      });

      test('that has long had nothing new tells that it has seen what was committed, and not more often', async () => {
        const { store } = await withTables();
        const seen = async () => (await store.txns('current')).get('fold:changes');
        await store.append('changes', batch([['a', 1, 1, 'c', null, 10]]), []);
        await store.fold(spec);
        for (let i = 0; i < 49; i++) await store.pin('changes', `pin ${i}`, 0);
        expect(await store.fold(spec)).toEqual({ foldedRows: 0, version: 1 });
        expect(await seen()).toBe(1);
        await store.pin('changes', 'one more', 0);
        expect(await store.fold(spec)).toEqual({ foldedRows: 0, version: 2 });
        expect(await seen()).toBe(51);
        expect(await store.fold(spec)).toEqual({ foldedRows: 0, version: 2 });
      });

      test('a deletion that was folded holds against an older change that comes after it', async () => {
        const { store } = await withTables();
        await store.append('changes', batch([['a', 1, 10, 'd', null, null]]), []);
        await store.append('changes', batch([['a', 2, 20, 'c', null, 1]]), []);
        await store.fold(spec);
        await store.append(
          'changes',
          batch([
            ['a', 1, 5, 'c', null, 1],
            ['a', 2, 15, 'd', null, null],
          ]),
          [],
        );
        await store.compact('changes', { smallFileBytes: 1e6, targetFileBytes: 1e6 });
        await store.fold(spec);
        expect(await rowsIn(store, await store.snapshot('current'))).toEqual(sorted([['a', 2, 20, 'c', null, 1]]));
      });

      test('equals a fold of everything by hand, whatever the order, the cuts and the compactions', async () => {
        const change = fc.record({
          kind: fc.constantFrom('orders', 'clicks'),
          entity: fc.integer({ min: 1, max: 12 }),
          op: fc.constantFrom('c', 'u', 'u', 'd'),
          refused: fc.option(fc.constant('late'), { freq: 4, nil: null }),
        });
        const step = fc.oneof(
          {
            weight: 4,
            arbitrary: fc.record({ do: fc.constant('append' as const), rows: fc.integer({ min: 1, max: 12 }) }),
          },
          { weight: 3, arbitrary: fc.record({ do: fc.constant('fold' as const), client: fc.nat(1) }) },
          {
            weight: 1,
            arbitrary: fc.record({ do: fc.constant('compact' as const), table: fc.constantFrom('changes', 'current') }),
          },
        );
        let runs = 0;
        const { open, store } = setUpTables();
        const clients = [store, open()];
        await fc.assert(
          fc.asyncProperty(
            fc.array(change, { minLength: 5, maxLength: 60 }),
            fc.array(step, { minLength: 3, maxLength: 14 }),
            fc.infiniteStream(fc.nat(1_000)),
            async (changes, steps, draws) => {
              const tables = { from: `changes${++runs}`, into: `current${runs}` };
              await store.create(tables.from, schema);
              await store.create(tables.into, schema);
              // Every change has an order of its own, and arrives out of order.
              const arriving = changes
                .map(({ kind, entity, op, refused }, i): Row => [kind, entity, i, op, refused, op === 'd' ? null : i])
                .map((row) => ({ row, at: (row[2] as number) * 100 + draws.next().value }))
                .sort((a, b) => a.at - b.at)
                .map(({ row }) => row);
              const appended: Row[] = [];
              for (const next of [...steps, { do: 'fold' as const, client: 0 }]) {
                if (next.do === 'append') {
                  const rows = arriving.splice(0, next.rows);
                  await store.append(tables.from, batch(rows), []);
                  appended.push(...rows);
                } else if (next.do === 'compact') {
                  const table = next.table === 'changes' ? tables.from : tables.into;
                  await store.compact(table, { smallFileBytes: 1e6, targetFileBytes: 1e6 });
                } else {
                  await clients[next.client]!.fold({ ...spec, ...tables });
                  const current = await store.snapshot(tables.into);
                  expect(await rowsIn(store, current)).toEqual(sorted(folded(appended)));
                }
              }
            },
          ),
          cases(25),
        );
      });

      function setUpTables() {
        const { open } = setUp();
        return { open, store: open() };
      }

      test('many keys in many files: only files that hold a changed key are written again', async () => {
        const { store } = await withTables();
        const rows = range(0, 149_999).map((i): Row => ['orders', i, i, 'c', null, i]);
        await store.append('changes', batch(rows), []);
        await store.fold(spec);
        const before = await store.snapshot('current');
        expect(before.files.length).toBe(3);
        const changed: Row[] = [
          ['orders', 7, 200_001, 'u', null, -1],
          ['orders', 11, 200_002, 'd', null, null],
          ['orders', 150_000, 200_003, 'c', null, -3],
        ];
        await store.append('changes', batch(changed), []);
        expect((await store.fold(spec)).foldedRows).toBe(3);
        const after = await store.snapshot('current');
        const kept = after.files.filter(({ path }) => before.files.some((file) => file.path === path));
        expect(kept.length).toBe(2);
        expect(after.files.map((file) => file.rows).sort((a, b) => a - b)).toEqual([1, 49_999, 50_000, 50_000]);
        expect(await rowsIn(store, after)).toEqual(sorted(folded([...rows, ...changed])));
      });

      test('two folds at the same time fold once, and beside a compaction nothing is lost', async () => {
        const { open, store } = await withTables();
        const other = open();
        const rows: Row[] = [];
        for (let round = 0; round < 6; round++) {
          const more = range(0, 199).map(
            (i): Row => ['k', (i * 7 + round) % 90, rows.length + i, i % 9 ? 'u' : 'd', null, i],
          );
          rows.push(...more);
          await store.append('changes', batch(more), []);
          const sizes = { smallFileBytes: 1e6, targetFileBytes: 1e6 };
          const [a, b] = await Promise.all([store.fold(spec), other.fold(spec), store.compact('current', sizes)]);
          expect(a.foldedRows + b.foldedRows).toBe(200);
          expect(await rowsIn(other, await other.snapshot('current'))).toEqual(sorted(folded(rows)));
        }
      });

      test('refuses what it cannot fold', async () => {
        const { time, store } = await withTables();
        await store.append('changes', batch(rowsFrom(5, 3)), []);
        await expect(store.fold({ ...spec, order: 'nothing' })).rejects.toThrow(/no column nothing/);
        await expect(store.fold({ ...spec, key: ['amount'] })).rejects.toThrow(
          /1 rows to fold have a null in amount, lsn/,
        );
        await store.append('changes', batch(rowsFrom(8, 3)), []);
        await store.compact('changes', { smallFileBytes: 1e6, targetFileBytes: 1e6 });
        time.nowUs += 10_000_000;
        await store.vacuum('changes', { retainUs: 1_000_000 });
        await expect(store.fold(spec)).rejects.toThrow(/2 of the 2 files added after version -1 were vacuumed/);
      });
    });
  });
}

/** The rows a fold must leave, by the definition. */
function folded(rows: readonly Row[]): Row[] {
  const latest = new Map<string, Row>();
  for (const row of rows) {
    const key = JSON.stringify([row[0], row[1]]);
    const known = latest.get(key);
    if (row[4] === null && (known === undefined || (known[2] as number) < (row[2] as number))) latest.set(key, row);
  }
  return Array.from(latest.values()).filter((row) => row[3] !== 'd');
}

/** Rows with contiguous lsn from `first` on: texts short and long, nulls, negative numbers. */
function rowsFrom(first: number, count: number): Row[] {
  return range(first, first + count - 1).map((lsn) => [
    lsn % 3 ? 'orders' : `a kind with a long name ${lsn % 5}`,
    lsn * 1_000_003,
    lsn,
    lsn % 5 ? 'c' : 'u',
    lsn % 4 ? null : 'late',
    lsn % 7 ? -lsn : null,
  ]);
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function batch(rows: readonly Row[]): ColumnBatch {
  const columns = Object.fromEntries(schema.map(({ name }, i) => [name, rows.map((row) => row[i] ?? null)]));
  return { rows: rows.length, columns: columns as Record<string, IntValues | TextValues> };
}

function rowsIn(store: TableStore, snapshot: Snapshot): Promise<string[]> {
  return collect(store.scan(snapshot, { columns: names }));
}
