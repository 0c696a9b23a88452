/** What every variant of the warehouse must do, as tests. A variant's own test file calls this and adds its faults. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hourUs, minuteUs } from '../../../workloads/durations.js';
import { changeSchema, historySchemas } from '../../../workloads/fact-schemas.js';
import { customerActivity } from '../../../workloads/feature-view.js';
import type { Column, ColumnBatch, IntValues, Schema, TextValues } from '../columns.js';
import { appendColumns, createTableSql, quoteText } from '../duckdb-columns.js';
import { arrivals, epochUs, story } from './change-stories.js';
import { type Change, expectedFeatures, type HistoryFact, hasCrossing, lastSeqOf } from './expected-view.js';
import type { PositionMove, Query, RefreshSpec, Warehouse } from './port.js';

export interface WarehouseUnderTest {
  readonly warehouse: Warehouse;
  /** Whatever holds the tables dies without warning and comes back with what was durable; the client is used on. */
  reopen(): Promise<void>;
  /** Makes a Parquet file of the rows that this warehouse can copy. */
  writeParquet(path: string, rows: ColumnBatch): Promise<void>;
  close(): Promise<void>;
}

const pairs: Schema = [
  { name: 'id', type: 'int', nullable: false },
  { name: 'word', type: 'text', nullable: true },
];
const pairBatch = (...rows: readonly (readonly [number, string | null])[]): ColumnBatch => ({
  rows: rows.length,
  columns: { id: rows.map(([id]) => id), word: rows.map(([, word]) => word) },
});

export function warehouseContract(name: string, open: () => Promise<WarehouseUnderTest>): void {
  describe(`${name} keeps the warehouse's contract`, () => {
    let warehouse: Warehouse;
    let underTest: WarehouseUnderTest;
    let directory: string;
    let names = 0;
    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'warehouse-contract-'));
      underTest = await open();
      warehouse = underTest.warehouse;
    });
    afterAll(async () => {
      await underTest?.close();
      await rm(directory, { recursive: true, force: true });
    });

    const newName = () => `thing ${++names}`;
    const newTable = async (schema: Schema = pairs) => {
      const table = newName();
      await warehouse.createTable(table, schema);
      return table;
    };
    const rowsOf = async (table: string, columns = ['id', 'word']) => {
      const rows: (number | string | null)[][] = [];
      for await (const batch of warehouse.scan(table, columns)) {
        for (let i = 0; i < batch.rows; i++) rows.push(columns.map((column) => batch.columns[column]![i]!));
      }
      return rows;
    };

    test('a table can be created again, but not with other columns', async () => {
      const table = await newTable();
      await warehouse.createTable(table, pairs);
      await expect(warehouse.createTable(table, pairs.slice(0, 1))).rejects.toMatchObject({ outcome: 'failed' });
      await expect(
        warehouse.createTable(
          table,
          pairs.map((column) => ({ ...column, nullable: true })),
        ),
      ).rejects.toMatchObject({ outcome: 'failed' });
    });

    test('staged rows are there with the position, and a batch may be all position', async () => {
      const table = await newTable();
      expect(await warehouse.position(table)).toBeNull();
      await warehouse.stage(table, pairBatch([1, 'a'], [2, null]), { source: table, from: null, to: [5, 0] });
      await warehouse.stage(table, pairBatch(), { source: table, from: [5, 0], to: [5, 2 ** 52] });
      expect(await warehouse.position(table)).toEqual([5, 2 ** 52]);
      expect(await rowsOf(table)).toEqual([
        [1, 'a'],
        [2, null],
      ]);
    });

    test('a batch that does not go on from the recorded position changes nothing', async () => {
      const table = await newTable();
      const refusal = { outcome: 'failed' };
      await expect(
        warehouse.stage(table, pairBatch([1, 'a']), { source: table, from: [0], to: [1] }),
      ).rejects.toMatchObject(refusal);
      await warehouse.stage(table, pairBatch([1, 'a']), { source: table, from: null, to: [1] });
      await expect(
        warehouse.stage(table, pairBatch([1, 'a']), { source: table, from: null, to: [1] }),
      ).rejects.toMatchObject(refusal);
      await expect(
        warehouse.stage(table, pairBatch([2, 'b']), { source: table, from: [0], to: [2] }),
      ).rejects.toMatchObject(refusal);
      expect(await warehouse.position(table)).toEqual([1]);
      expect(await rowsOf(table)).toEqual([[1, 'a']]);
    });

    test('a batch that cannot be stored whole is not stored, and its position is not moved', async () => {
      const table = await newTable();
      const broken: ColumnBatch = {
        rows: 3000,
        columns: {
          id: Array.from({ length: 3000 }, (_, i) => (i === 2999 ? null : i)),
          word: Array<null>(3000).fill(null),
        },
      };
      await expect(warehouse.stage(table, broken, { source: table, from: null, to: [1] })).rejects.toMatchObject({
        outcome: 'failed',
      });
      expect(await warehouse.position(table)).toBeNull();
      expect(await rowsOf(table)).toEqual([]);
    });

    test('large batches of every kind of column arrive as they were sent', async () => {
      const table = await newTable();
      const rows = 50_000;
      const id = Float64Array.from({ length: rows }, (_, i) => i * 1_000_003);
      const word = Array.from({ length: rows }, (_, i) =>
        i % 3 === 0 ? null : i % 3 === 1 ? 'short' : `a text — of more than twelve bytes ${i}`,
      );
      await warehouse.stage(table, { rows, columns: { id, word } }, { source: table, from: null, to: [1] });
      const held = await rowsOf(table);
      expect(held.length).toBe(rows);
      expect(held.findIndex(([heldId, heldWord], i) => heldId !== id[i] || heldWord !== word[i])).toBe(-1);
    });

    test('a merge moves each key once and the rest aside, and empties the staging table', async () => {
      const [staging, merged, aside] = [await newTable(), await newTable(), await newTable()];
      const spec = { from: staging, into: merged, key: ['id'], duplicatesInto: aside };
      await warehouse.stage(staging, pairBatch([1, 'first'], [2, 'b'], [1, 'again']), {
        source: staging,
        from: null,
        to: [1],
      });
      expect(await warehouse.merge(spec)).toEqual({ merged: 2, duplicates: 1 });
      await warehouse.stage(staging, pairBatch([2, 'later'], [3, null], [3, 'again']), {
        source: staging,
        from: [1],
        to: [2],
      });
      expect(await warehouse.merge(spec)).toEqual({ merged: 1, duplicates: 2 });
      expect(await warehouse.merge(spec)).toEqual({ merged: 0, duplicates: 0 });
      const sorted = async (table: string) => (await rowsOf(table)).sort((a, b) => (a[0] as number) - (b[0] as number));
      expect(await sorted(staging)).toEqual([]);
      expect(await sorted(merged)).toEqual([
        [1, 'first'],
        [2, 'b'],
        [3, null],
      ]);
      expect(await sorted(aside)).toEqual([
        [1, 'again'],
        [2, 'later'],
        [3, 'again'],
      ]);
      await expect(warehouse.merge({ ...spec, key: ['other'] })).rejects.toMatchObject({ outcome: 'failed' });
    });

    test('a Parquet file is copied once a source name', async () => {
      const table = await newTable();
      const path = join(directory, `it's ${table}.parquet`);
      const ids = [0, 1, 2, 3, 4];
      await underTest.writeParquet(path, { rows: 5, columns: { word: ids.map((id) => `w${id}`), id: ids } });
      expect(await warehouse.copy(table, path, table)).toEqual({ rows: 5 });
      expect(await warehouse.copy(table, path, table)).toEqual({ rows: 5 });
      expect((await rowsOf(table)).map(([id, word]) => `${id} ${word}`).sort()).toEqual([
        '0 w0',
        '1 w1',
        '2 w2',
        '3 w3',
        '4 w4',
      ]);
      expect(await warehouse.copy(table, path, `${table} other`)).toEqual({ rows: 5 });
      expect((await rowsOf(table)).length).toBe(10);
      await expect(warehouse.copy(table, join(directory, 'none.parquet'), 'none')).rejects.toMatchObject({
        outcome: 'failed',
      });
    });

    test('what a query answers is inserted in its order, together with the position, or neither is', async () => {
      const [table, other] = [await newTable(), await newTable()];
      await warehouse.stage(other, pairBatch([1, 'a'], [3, null], [2, 'b']), { source: other, from: null, to: [1] });
      const path = join(directory, `${table}.parquet`);
      await underTest.writeParquet(path, { rows: 2, columns: { word: ['x', 'y'], id: [8, 9] } });
      const from = { few: { table: other }, more: { parquet: [path], schema: pairs } };
      const sql = 'SELECT word, id FROM (FROM few UNION ALL FROM more) ORDER BY id DESC';
      expect(await warehouse.insert(table, { from, sql }, { source: table, from: null, to: [1] })).toEqual({ rows: 5 });
      const rows = [
        [9, 'y'],
        [8, 'x'],
        [3, null],
        [2, 'b'],
        [1, 'a'],
      ];
      expect(await rowsOf(table)).toEqual(rows);
      const refused = async (query: Query, position: PositionMove) =>
        expect(warehouse.insert(table, query, position)).rejects.toMatchObject({ outcome: 'failed' });
      await refused({ from, sql }, { source: table, from: null, to: [1] });
      const next = { source: table, from: [1], to: [2] };
      await refused({ from, sql: 'SELECT id FROM few' }, next);
      await refused({ from, sql: 'SELECT id, word, 1 AS extra FROM few' }, next);
      await refused({ from, sql: 'SELECT id / 2 AS id, word FROM few' }, next);
      await refused({ from, sql: 'SELECT NULL::BIGINT AS id, word FROM few' }, next);
      await refused({ from: {}, sql }, next);
      await refused({ from: { ...from, more: { parquet: [`${path}.none`], schema: pairs } }, sql }, next);
      await refused({ from: { ...from, few: { table: 'nowhere' } }, sql }, next);
      expect(await rowsOf(table)).toEqual(rows);
      expect(await warehouse.position(table)).toEqual([1]);
      await warehouse.insert(table, { from: {}, sql: "SELECT 7 AS id, 'z' AS word" }, next);
      expect((await rowsOf(table)).at(-1)).toEqual([7, 'z']);
    });

    test('of a table that only grows a query can be asked again as of so many rows', async () => {
      const table = await newTable();
      const count = { from: { grown: { table } }, sql: "SELECT count(*) AS id, 'of none' AS word FROM grown" };
      for await (const { columns } of warehouse.query(count, pairs)) expect(columns.id?.[0]).toBe(0);
      await warehouse.stage(table, pairBatch([1, 'a'], [2, 'b']), { source: table, from: null, to: [1] });
      const broken = { rows: 2, columns: { id: [3, null], word: ['c', 'd'] } } as ColumnBatch;
      await expect(warehouse.stage(table, broken, { source: table, from: [1], to: [2] })).rejects.toThrow();
      await warehouse.stage(table, pairBatch([3, 'c'], [4, null]), { source: table, from: [1], to: [2] });
      const sql = 'SELECT list(id ORDER BY id)::VARCHAR AS word, count(*) AS id FROM grown';
      const ask = async (rows?: number) => {
        const relation = rows === undefined ? { table } : { table, rows };
        const batches: ColumnBatch[] = [];
        for await (const batch of warehouse.query({ from: { grown: relation }, sql }, pairs)) batches.push(batch);
        return batches.flatMap(({ columns }) => [columns.id?.[0], columns.word?.[0]]);
      };
      expect(await ask(3)).toEqual([3, '[1, 2, 3]']);
      expect(await ask(2)).toEqual([2, '[1, 2]']);
      expect(await ask()).toEqual([4, '[1, 2, 3, 4]']);
      await expect(
        (async () => {
          for await (const _ of warehouse.query({ from: {}, sql: 'SELECT nothing' }, pairs));
        })(),
      ).rejects.toMatchObject({ outcome: 'failed' });
    });

    test('what does not exist is an error', async () => {
      const failed = { outcome: 'failed' };
      await expect(warehouse.stage('nowhere', pairBatch(), { source: 'x', from: null, to: [1] })).rejects.toMatchObject(
        failed,
      );
      await expect(warehouse.read('no view', [1])).rejects.toMatchObject(failed);
      await expect(rowsOf('nowhere')).rejects.toMatchObject(failed);
      const table = await newTable();
      await expect(rowsOf(table, ['id', 'nothing'])).rejects.toMatchObject(failed);
      expect(await warehouse.position('x')).toBeNull();
    });

    test('the tables are listed by name', async () => {
      const before = await warehouse.tables();
      const table = await newTable();
      expect(before).not.toContain(table);
      expect(await warehouse.tables()).toEqual([...before, table].sort());
    });

    test('the inventory counts files and rows', async () => {
      const before = await warehouse.inventory();
      const table = await newTable();
      await warehouse.stage(table, pairBatch([1, 'a'], [2, 'b']), { source: table, from: null, to: [1] });
      const after = await warehouse.inventory();
      expect(after.rows - before.rows).toBe(2);
      expect(after.fileBytes.length).toBeGreaterThan(0);
      for (const bytes of after.fileBytes) expect(bytes).toBeGreaterThan(0);
    });

    test('a scan that is given up leaves nothing behind that would hinder others', async () => {
      const table = await newTable();
      const rows = 30_000;
      const id = Float64Array.from({ length: rows }, (_, i) => i);
      await warehouse.stage(
        table,
        { rows, columns: { id, word: Array<null>(rows).fill(null) } },
        { source: table, from: null, to: [1] },
      );
      for (let i = 0; i < 20; i++) {
        for await (const batch of warehouse.scan(table, ['id'])) {
          expect(batch.columns.id![0]).toBe(0);
          break;
        }
      }
      expect((await rowsOf(table, ['id'])).length).toBe(rows);
    });

    test('everything that was answered is there after a sudden death', async () => {
      const [staging, merged, aside] = [await newTable(), await newTable(), await newTable()];
      await warehouse.stage(staging, pairBatch([1, 'a'], [1, 'b']), { source: staging, from: null, to: [7] });
      await warehouse.merge({ from: staging, into: merged, key: ['id'], duplicatesInto: aside });
      await warehouse.stage(staging, pairBatch([2, 'c']), { source: staging, from: [7], to: [8] });
      const view = await newView();
      await load(view, [change({ customer: 3, seq: 1 })]);
      await warehouse.refresh(view.spec(epochUs));
      const rows = await warehouse.read(view.name, [3]);
      await underTest.reopen();
      expect([await rowsOf(staging), await rowsOf(merged), await rowsOf(aside)]).toEqual([
        [[2, 'c']],
        [[1, 'a']],
        [[1, 'b']],
      ]);
      expect(await warehouse.position(staging)).toEqual([8]);
      expect(await warehouse.read(view.name, [3])).toEqual(rows);
      await load(view, [change({ customer: 3, seq: 2 })]);
      await warehouse.refresh(view.spec(epochUs));
      expect((await warehouse.read(view.name, [3])).rows[0]!.features[0]).toBe(2);
    });

    interface View {
      readonly name: string;
      readonly history: string;
      readonly staging: string;
      readonly changes: string;
      readonly duplicates: string;
      staged: number;
      spec(asOfUs: number): RefreshSpec;
    }

    const newView = async (): Promise<View> => {
      const view = newName();
      const tables = {
        history: `${view} history `,
        staging: `${view} staging`,
        changes: `${view} changes`,
        duplicates: `${view} duplicates`,
      };
      for (const source of ['orders', 'clicks', 'devices'] as const) {
        await warehouse.createTable(tables.history + source, historySchemas[source]);
      }
      for (const table of [tables.staging, tables.changes, tables.duplicates])
        await warehouse.createTable(table, changeSchema);
      const { history, changes } = tables;
      return {
        name: view,
        ...tables,
        staged: 0,
        spec: (asOfUs) => ({ view: { ...customerActivity, name: view }, history, changes, asOfUs }),
      };
    };
    const load = async (view: View, changes: readonly Change[]) => {
      const from = view.staged === 0 ? null : [view.staged];
      await warehouse.stage(view.staging, changeBatch(changes), { source: view.name, from, to: [++view.staged] });
      return warehouse.merge({
        from: view.staging,
        into: view.changes,
        key: ['customer', 'seq'],
        duplicatesInto: view.duplicates,
      });
    };

    test('a view tells its rows in the order of the keys, and null for entities that it does not know', async () => {
      const view = await newView();
      await load(view, [
        change({ customer: 7, seq: 1 }),
        change({ customer: 2, seq: 1, source: 'clicks' }),
        change({ customer: 5, seq: 2 }),
      ]);
      expect(await warehouse.refresh(view.spec(epochUs))).toEqual({ entities: 2 });
      const { asOfUs, rows } = await warehouse.read(view.name, [9, 2, 7, 2, 5]);
      expect(asOfUs).toBe(epochUs);
      expect(rows.map((row) => row && [row.lastSeq, ...row.features.slice(0, 9)])).toEqual([
        null,
        [1, 0, 0, 0, 0, 0, 0, 1, 1, 1],
        [1, 1, 1, 1, 100, 100, 100, 0, 0, 0],
        [1, 0, 0, 0, 0, 0, 0, 1, 1, 1],
        null,
      ]);
      expect((await warehouse.read(view.name, [])).rows).toEqual([]);
    });

    test('a query finds in a view what is read from it', async () => {
      const view = await newView();
      await load(view, [change({ customer: 7, seq: 1 }), change({ customer: 2, seq: 1, source: 'clicks' })]);
      await warehouse.refresh(view.spec(epochUs + 1));
      const { features } = customerActivity;
      const schema = ['customer', 'last_seq', 'as_of_us', ...features.map(({ name }) => name)].map(
        (name): Column => ({ name, type: 'int', nullable: true }),
      );
      const from = { served: { view: view.spec(0).view } };
      const found: (number | null)[][] = [];
      for await (const batch of warehouse.query({ from, sql: 'FROM served ORDER BY customer' }, schema))
        for (let i = 0; i < batch.rows; i++)
          found.push(schema.map(({ name }) => batch.columns[name]![i] as number | null));
      const { rows } = await warehouse.read(view.name, [2, 7]);
      expect(found).toEqual(rows.map((row, i) => [[2, 7][i], row!.lastSeq, epochUs + 1, ...row!.features]));
      expect(found[1]!.includes(1)).toBe(true);
    });

    test('a view keeps its time when nothing has happened, moves it when asked, and never goes back', async () => {
      const view = await newView();
      await load(view, [change({ customer: 1, seq: 1, commitUs: epochUs - 5 })]);
      await warehouse.refresh(view.spec(epochUs));
      expect(await warehouse.refresh(view.spec(epochUs))).toEqual({ entities: 0 });
      const asOf = async () => (await warehouse.read(view.name, [1])).asOfUs;
      await warehouse.refresh(view.spec(epochUs - 1));
      expect(await asOf()).toBe(epochUs);
      await warehouse.refresh(view.spec(epochUs + 1));
      expect(await asOf()).toBe(epochUs + 1);
      await load(view, [change({ customer: 1, seq: 2, commitUs: epochUs + 9 })]);
      await warehouse.refresh(view.spec(epochUs + 2));
      expect(await asOf()).toBe(epochUs + 9);
    });

    test('what is merged after a refresh shows after the next one', async () => {
      const view = await newView();
      await load(view, [change({ customer: 1, seq: 1 })]);
      await warehouse.refresh(view.spec(epochUs));
      await load(view, [change({ customer: 1, seq: 2 }), change({ customer: 2, seq: 1, commitUs: epochUs + 3 })]);
      const seqs = async () => (await warehouse.read(view.name, [1, 2])).rows.map((row) => row?.lastSeq ?? null);
      const before = await warehouse.read(view.name, [1, 2]);
      expect([before.asOfUs, await seqs()]).toEqual([epochUs, [1, null]]);
      expect(before.rows[0]!.features[0]).toBe(1);
      expect(await warehouse.refresh(view.spec(epochUs))).toEqual({ entities: 2 });
      const after = await warehouse.read(view.name, [1, 2]);
      expect([after.asOfUs, await seqs()]).toEqual([epochUs + 3, [2, 1]]);
      expect(after.rows[0]!.features[0]).toBe(2);
    });

    test('an event enters a window at its own moment and leaves it when the window starts there', async () => {
      const view = await newView();
      const eventUs = epochUs + minuteUs;
      await load(view, [change({ customer: 1, seq: 1, after: { eventUs, amountCents: 5, category: 1 } })]);
      await warehouse.refresh(view.spec(epochUs));
      const counts: unknown[] = [];
      for (const asOfUs of [eventUs - 1, eventUs, eventUs + 1, eventUs + hourUs - 1, eventUs + hourUs]) {
        const { entities } = await warehouse.refresh(view.spec(asOfUs));
        const [row] = (await warehouse.read(view.name, [1])).rows;
        counts.push([entities, row!.features[0], row!.features[3]]);
      }
      expect(counts).toEqual([
        [0, 0, 0],
        [1, 1, 5],
        [0, 1, 5],
        [0, 1, 5],
        [1, 0, 0],
      ]);
    });

    test('ties go to the lowest id, and shares are rounded down', async () => {
      const view = await newView();
      const order = (customer: number, seq: number, category: number) =>
        change({ customer, seq, after: { eventUs: epochUs - minuteUs, amountCents: 1, category } });
      const device = (customer: number, seq: number, entity: number, risk: number) =>
        change({ customer, seq, source: 'devices', op: 'u', entity, risk });
      await load(view, [order(1, 1, 9), order(1, 2, 5), order(1, 3, 9), order(2, 1, 7), order(2, 2, 4)]);
      await load(view, [device(1, 4, 12, 800), device(1, 5, 11, 300), device(2, 3, 11, 300), device(2, 4, 12, 800)]);
      await warehouse.refresh(view.spec(epochUs));
      const { rows } = await warehouse.read(view.name, [1, 2]);
      expect(rows.map((row) => row!.features.slice(10))).toEqual([
        [9, 6666, 300],
        [4, 5000, 300],
      ]);
    });

    test('many reads at once, large and small, get their own rows', async () => {
      const view = await newView();
      const customers = Array.from({ length: 3000 }, (_, customer) => customer);
      await load(
        view,
        customers.map((customer) => change({ customer, seq: 1, amountCents: customer })),
      );
      await warehouse.refresh(view.spec(epochUs));
      const requests = Array.from({ length: 60 }, (_, i) =>
        Array.from({ length: [1, 3, 10, 200, 700][i % 5]! }, (_, k) => (i * 997 + k * 31) % 3000),
      );
      const answers = await Promise.all(requests.map((keys) => warehouse.read(view.name, keys)));
      answers.forEach(({ rows }, i) => {
        expect(rows.map((row) => row!.features[5])).toEqual(requests[i]!);
      });
    });

    test('more history builds the view anew', async () => {
      const view = await newView();
      const history = [
        historyFact({ customer: 1, entity: 1 }),
        historyFact({ customer: 1, entity: 2, eventUs: epochUs - 2 * hourUs }),
      ];
      await loadHistory(view.history, history.slice(0, 1));
      await load(view, [change({ customer: 1, seq: 1 }), change({ customer: 4, seq: 1 })]);
      await warehouse.refresh(view.spec(epochUs));
      await loadHistory(view.history, history.slice(1));
      await warehouse.refresh(view.spec(epochUs));
      const { rows } = await warehouse.read(view.name, [1, 4]);
      expect(rows.map((row) => [row!.lastSeq, ...row!.features.slice(0, 3)])).toEqual([
        [1, 2, 3, 3],
        [1, 1, 1, 1],
      ]);
    });

    let histories = 0;
    const loadHistory = async (prefix: string, facts: readonly HistoryFact[]) => {
      for (const source of ['orders', 'clicks', 'devices'] as const) {
        const own = facts.filter((fact) => fact.source === source);
        if (own.length > 0)
          await warehouse.stage(prefix + source, historyBatch(source, own), {
            source: `history ${++histories}`,
            from: null,
            to: [1],
          });
      }
    };

    test('every refresh, whatever happened before it, equals the view by brute force', async () => {
      await fc.assert(
        fc.asyncProperty(story, async (told) => {
          const { history, rounds } = told;
          const view = await newView();
          await loadHistory(view.history, history);
          const arrived: Change[] = [];
          let lastRefresh: { asOfUs: number; lastSeqs: number[] } | null = null;
          const batches = arrivals(told);
          for (const [round, { afterUs, refreshes }] of rounds.entries()) {
            await load(view, batches[round]!);
            arrived.push(...batches[round]!);
            if (!refreshes) continue;
            const { entities } = await warehouse.refresh(view.spec(epochUs + afterUs));
            const customers = [0, 1, 2, 3];
            const perCustomer = customers.map((customer) => {
              const own = firstCopies(arrived.filter((candidate) => candidate.customer === customer));
              return { customer, own, lastSeq: lastSeqOf(own) };
            });
            const reflected = perCustomer.flatMap(({ own, lastSeq }) => own.filter(({ seq }) => seq <= lastSeq));
            const formerUs: number | null = lastRefresh?.asOfUs ?? null;
            const asOfUs = Math.max(formerUs ?? 0, epochUs + afterUs, ...reflected.map(({ commitUs }) => commitUs));
            const changed = perCustomer.filter(({ customer, own, lastSeq }) => {
              const formerSeq = lastRefresh?.lastSeqs[customer] ?? 0;
              const facts = history.filter((fact) => fact.customer === customer);
              return lastSeq > formerSeq || hasCrossing(facts, own, formerSeq, formerUs, asOfUs);
            });
            expect(entities).toBe(changed.length);
            lastRefresh = { asOfUs, lastSeqs: perCustomer.map(({ lastSeq }) => lastSeq) };
            const read = await warehouse.read(view.name, customers);
            expect(read.asOfUs).toBe(asOfUs);
            expect(read.rows).toEqual(
              perCustomer.map(({ customer, own, lastSeq }) => {
                const facts = history.filter((fact) => fact.customer === customer);
                if (facts.length === 0 && lastSeq === 0) return null;
                return { lastSeq, features: expectedFeatures(facts, own, lastSeq, asOfUs) };
              }),
            );
          }
        }),
        { seed: 20_231_115, numRuns: 25 },
      );
    });
  });
}

/** For a warehouse that reads files. A column is of texts if its first value is one. */
export async function writeParquetFile(path: string, batch: ColumnBatch): Promise<void> {
  const schema = Object.entries(batch.columns).map(([name, values]): Column => {
    return { name, type: typeof values[0] === 'string' ? 'text' : 'int', nullable: true };
  });
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(createTableSql('rows', schema));
  await appendColumns(connection, 'rows', schema, batch);
  await connection.run(`COPY rows TO ${quoteText(path)} (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
}

function change(given: Partial<Change> & { readonly amountCents?: number }): Change {
  const eventUs = epochUs - 10 * minuteUs;
  return {
    source: 'orders',
    customer: 0,
    seq: 1,
    op: 'c',
    commitUs: epochUs - minuteUs,
    refused: false,
    entity: 1,
    after: { eventUs, amountCents: given.amountCents ?? 100, category: 1 },
    before: null,
    risk: 0,
    ...given,
  };
}

function historyFact(given: Partial<HistoryFact>): HistoryFact {
  return {
    source: 'orders',
    customer: 0,
    entity: 1,
    eventUs: epochUs - minuteUs,
    amountCents: 7,
    category: 2,
    risk: 3,
    ...given,
  };
}

/** In the order of `changeSchema`. */
function changeBatch(changes: readonly Change[]): ColumnBatch {
  const of = <T>(pick: (change: Change) => T) => changes.map(pick);
  const sound = <T>(pick: (change: Change) => T) => changes.map((each) => (each.refused ? null : pick(each)));
  const columns: Record<(typeof changeSchema)[number]['name'], IntValues | TextValues> = {
    customer: of(({ customer }) => customer),
    seq: of(({ seq }) => seq),
    source_table: of(({ source }) => source),
    op: of(({ op }) => op),
    lsn: of((_) => 1),
    commit_us: of(({ commitUs }) => commitUs),
    emit_us: of(({ commitUs }) => commitUs),
    schema_version: of((_) => 1),
    refused: of(({ refused }) => (refused ? 'late' : null)),
    entity: sound(({ entity }) => entity),
    event_us: sound(({ after }) => after?.eventUs ?? null),
    amount_cents: sound(({ after }) => after?.amountCents ?? null),
    category: sound(({ after }) => after?.category ?? null),
    risk: sound(({ source, risk }) => (source === 'devices' ? risk : null)),
    before_event_us: sound(({ before }) => before?.eventUs ?? null),
    before_amount_cents: sound(({ before }) => before?.amountCents ?? null),
    before_category: sound(({ before }) => before?.category ?? null),
    email_token: of((_) => null),
    phone_token: of((_) => null),
  };
  return { rows: changes.length, columns };
}

function historyBatch(source: 'orders' | 'clicks' | 'devices', facts: readonly HistoryFact[]): ColumnBatch {
  const customer = facts.map((fact) => fact.customer);
  const ids = facts.map(({ entity }) => entity);
  const times = facts.map(({ eventUs }) => eventUs);
  const risk = facts.map((fact) => fact.risk);
  const amounts = facts.map(({ amountCents }) => amountCents);
  const category = facts.map((fact) => fact.category);
  const columns = {
    orders: { order_id: ids, customer, placed_us: times, amount_cents: amounts, category },
    clicks: { click_id: ids, customer, clicked_us: times, product: ids },
    devices: { device_id: ids, customer, seen_us: times, risk },
  };
  return { rows: facts.length, columns: columns[source] };
}

function firstCopies(changes: readonly Change[]): Change[] {
  return changes.filter(({ seq }, i) => changes.findIndex((other) => other.seq === seq) === i);
}
