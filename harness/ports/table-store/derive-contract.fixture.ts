/** What every variant must make of a derivation: part of contract.ts. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ColumnBatch, Schema } from '../columns.js';
import type { Cases } from './layout-contract.fixture.js';
import type { DeriveSpec, Predicate, Relation, TableStore } from './port.js';

const orders: Schema = [
  { name: 'order_id', type: 'int', nullable: false },
  { name: 'customer', type: 'int', nullable: true },
  { name: 'cents', type: 'int', nullable: false },
  { name: 'note', type: 'text', nullable: true },
];
const names: Schema = [
  { name: 'customer', type: 'int', nullable: false },
  { name: 'name', type: 'text', nullable: false },
];
const totals: Schema = [
  { name: 'name', type: 'text', nullable: false },
  { name: 'cents', type: 'int', nullable: true },
];
type Order = readonly [id: number, customer: number | null, cents: number, note: string | null];

const sumSql = 'SELECT name, sum(cents) AS cents FROM o LEFT JOIN n USING (customer) GROUP BY name';

/** `open` gives clients of one new place. */
export function deriveContract(setUp: () => { readonly open: () => TableStore }, cases: Cases): void {
  async function withTables() {
    const { open } = setUp();
    const store = open();
    await store.create('orders', orders);
    await store.create('names', names);
    await store.create('totals', totals);
    await store.append('names', { rows: 3, columns: { customer: [1, 2, 3], name: ['Ada', 'Bo', 'Cy'] } }, []);
    return { open, store };
  }

  async function relationsIn(store: TableStore): Promise<Record<string, Relation>> {
    return { o: { snapshot: await store.snapshot('orders') }, n: { snapshot: await store.snapshot('names') } };
  }

  async function totalsIn(store: TableStore, version?: number): Promise<string[]> {
    const found: string[] = [];
    for await (const page of store.scan(await store.snapshot('totals', version), { columns: ['name', 'cents'] })) {
      for (let i = 0; i < page.rows; i++) found.push(`${page.columns.name?.[i]} ${page.columns.cents?.[i]}`);
    }
    return found.sort();
  }

  const spec = (from: Record<string, Relation>, more: Partial<DeriveSpec> = {}): DeriveSpec => ({
    into: 'totals',
    from,
    sql: sumSql,
    mode: 'replace',
    txns: [],
    ...more,
  });

  test('rows are computed over snapshots, whatever was committed since', async () => {
    const { open, store } = await withTables();
    await store.append('orders', batchOf(someOrders), []);
    const from = await relationsIn(store);
    await store.append('orders', batchOf([[9, 3, 1_000, null]]), []);
    await store.append('totals', { rows: 1, columns: { name: ['old'], cents: [1] } }, []);
    const derived = await open().derive(spec(JSON.parse(JSON.stringify(from)) as typeof from, { mode: 'append' }));
    expect(derived).toMatchObject({ committed: true, version: 2, rows: 2, files: 1 });
    const { files } = await store.snapshot('totals');
    expect(derived.bytes).toBe(files.at(-1)?.bytes);
    expect(await totalsIn(store)).toEqual(['Ada 300', 'Bo 40', 'old 1']);
    expect(await store.derive(spec(from, { sortBy: ['name'] }))).toMatchObject({
      committed: true,
      version: 3,
      rows: 2,
    });
    expect(await totalsIn(store)).toEqual(['Ada 300', 'Bo 40']);
    expect(await totalsIn(store, 2)).toEqual(['Ada 300', 'Bo 40', 'old 1']);
    await store.derive(spec(await relationsIn(open())));
    expect(await totalsIn(open())).toEqual(['Ada 300', 'Bo 40', 'Cy 1000']);
  });

  test('a derivation is committed once, whoever repeats it, also one without rows', async () => {
    const { open, store } = await withTables();
    const other = open();
    const none = await relationsIn(store);
    expect(await store.derive(spec(none, { mode: 'append' }))).toMatchObject({ committed: false, version: 0, rows: 0 });
    const txns = [{ appId: 'batch', version: 1 }];
    expect(await store.derive(spec(none, { mode: 'append', txns }))).toMatchObject({
      committed: true,
      version: 1,
      files: 0,
    });
    await store.append('orders', batchOf(someOrders), []);
    const from = await relationsIn(store);
    for (const client of [store, other, open()]) {
      expect(await client.derive(spec(from, { txns }))).toMatchObject({
        committed: false,
        version: 1,
        rows: 0,
        bytes: 0,
      });
    }
    const next = [{ appId: 'batch', version: 2 }];
    const tries = await Promise.all(
      [store, other, open()].map((client) => client.derive(spec(from, { txns: next, mode: 'append' }))),
    );
    expect(tries.filter(({ committed }) => committed).length).toBe(1);
    expect(await totalsIn(other)).toEqual(['Ada 300', 'Bo 40']);
    expect(await other.txns('totals')).toEqual(new Map([['batch', 2]]));
    expect(await other.derive(spec(none))).toMatchObject({ committed: true, version: 3, rows: 0, files: 0 });
    expect(await totalsIn(store)).toEqual([]);
  });

  test('of a replacement and appends beside it, each is whole', async () => {
    const { open, store } = await withTables();
    await store.append('orders', batchOf(someOrders), []);
    const from = await relationsIn(store);
    const other = open();
    const one = (i: number) => ({ rows: 1, columns: { name: [`n${i}`], cents: [i] } });
    const [derived, ...appended] = await Promise.all([
      store.derive(spec(from)),
      ...[0, 1, 2, 3].map((i) => other.append('totals', one(i), [])),
    ]);
    const later = appended.flatMap(({ version }, i) => (version > derived.version ? [`n${i} ${i}`] : []));
    expect(await totalsIn(store)).toEqual(['Ada 300', 'Bo 40', ...later].sort());
  });

  test('a table is replaced by what was derived of itself only if that is still all of it', async () => {
    const { open, store } = await withTables();
    await store.append('totals', { rows: 2, columns: { name: ['a', 'b'], cents: [1, 2] } }, []);
    const from = { t: { snapshot: await store.snapshot('totals') } };
    const sql = 'SELECT name, cents + 1 AS cents FROM t';
    const other = open();
    await other.append('totals', { rows: 1, columns: { name: ['c'], cents: [3] } }, []);
    await expect(store.derive(spec(from, { sql }))).rejects.toThrow(
      /of its version 1 cannot replace those of version 2/,
    );
    expect(await totalsIn(other)).toEqual(['a 1', 'b 2', 'c 3']);
    expect((await store.derive(spec({ t: { snapshot: await store.snapshot('totals') } }, { sql }))).committed).toBe(
      true,
    );
    expect(await totalsIn(other)).toEqual(['a 2', 'b 3', 'c 4']);
  });

  test('what is no row of the table is refused, and nothing is written', async () => {
    const { store } = await withTables();
    await store.append('orders', batchOf(someOrders), []);
    const from = await relationsIn(store);
    for (const [sql, problem] of [
      ["SELECT 'x' AS name", /answers no column cents; it has name/],
      ["SELECT 'x' AS name, 1 AS cents, 2 AS more", /answers more, for which there is no column/],
      ["SELECT 'x' AS name, 0.5::DOUBLE AS cents", /column cents as DOUBLE where int was expected; cast it to BIGINT/],
      ['SELECT customer AS name, cents FROM o', /column name as BIGINT where text was expected/],
      ['SELECT note AS name, cents FROM o', /name/],
      ["SELECT 'x' AS name, 9007199254740993 AS cents", /cents/],
      ["SELECT 'x' AS name, sum(9223372036854775807::HUGEINT + cents) AS cents FROM o", /./],
      ['SELECT name, cents FROM absent', /absent/],
      ['SELEC', /./],
    ] as const) {
      await expect(store.derive(spec(from, { sql })), sql).rejects.toThrow(problem);
    }
    await expect(store.derive(spec(from, { into: 'absent' }))).rejects.toThrow(/no table absent/);
    await expect(store.derive(spec(from, { sortBy: ['other'] }))).rejects.toThrow(/no column other/);
    await expect(store.derive(spec({ 'a b': from.o! }))).rejects.toThrow(/a b is no name for a relation/);
    const nowhere: Relation = { snapshot: await store.snapshot('orders'), where: { column: 'other', from: 1 } };
    await expect(store.derive(spec({ ...from, o: nowhere }))).rejects.toThrow(/no column other/);
    expect(await store.snapshot('totals')).toMatchObject({ version: 0, files: [] });
  });

  test('where asks for the rows that a filter would leave', async () => {
    const { store } = await withTables();
    const held: Order[] = [];
    const bound = fc.option(fc.integer({ min: -20, max: 20 }), { nil: undefined });
    const range = fc.record({ from: bound, to: bound });
    const values = fc.record({ values: fc.array(fc.integer({ min: -20, max: 20 }), { maxLength: 4 }) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.option(fc.integer({ min: -15, max: 15 }), { freq: 4 }), { minLength: 1, maxLength: 6 }),
        fc.oneof(range, values),
        async (customers, asked) => {
          const rows = customers.map((customer, i): Order => [held.length + i, customer, 1, null]);
          await store.append('orders', batchOf(rows), []);
          held.push(...rows);
          const snapshot = await store.snapshot('orders');
          const where = { column: 'customer', ...asked } as Predicate;
          const found: number[] = [];
          for await (const { columns } of store.query({
            from: { o: { snapshot, where } },
            sql: 'SELECT order_id FROM o ORDER BY order_id DESC',
            schema: orders.slice(0, 1),
          })) {
            found.push(...(columns.order_id as Float64Array));
          }
          const isAskedFor = (customer: number | null) => {
            if (customer === null) return false;
            if ('values' in asked) return asked.values.includes(customer);
            return customer >= (asked.from ?? -99) && customer < (asked.to ?? 99);
          };
          expect(found).toEqual(
            held
              .filter((order) => isAskedFor(order[1]))
              .map(([id]) => id)
              .reverse(),
          );
        },
      ),
      cases(25),
    );
  });

  test('sorted files are merged and moved down as sorted ones', async () => {
    const { open, store } = await withTables();
    const sorted = (names: string[]) =>
      spec(
        { n: { parquet: [], schema: [{ name: 'x', type: 'int', nullable: false }] } },
        {
          sql: names.map((name, i) => `SELECT '${name}' AS name, ${i} AS cents`).join(' UNION ALL '),
          mode: 'append',
          sortBy: ['name'],
        },
      );
    await store.derive(sorted(['Dee', 'Bo']));
    await store.derive(sorted(['Cy', 'Ada', 'Eve']));
    const merged = await store.compact('totals', { smallFileBytes: 1 << 20, targetFileBytes: 1 << 24 });
    expect(merged).toEqual({ filesBefore: 2, filesAfter: 1 });
    const read: unknown[] = [];
    for await (const page of open().scan(await store.snapshot('totals'), { columns: ['name'] }))
      read.push(...Array.from({ length: page.rows }, (_, i) => page.columns.name?.[i]));
    expect(read).toEqual(['Ada', 'Bo', 'Cy', 'Dee', 'Eve']);
  });

  test('a query streams rows in its order, and may be abandoned', async () => {
    const { store } = await withTables();
    const many = Array.from({ length: 20_000 }, (_, i): Order => [i, i % 7, 7 * i, null]);
    await store.append('orders', batchOf(many), []);
    const from = { o: { snapshot: await store.snapshot('orders') } };
    const schema = orders.slice(0, 1);
    const query = { from, sql: 'SELECT * FROM o ORDER BY order_id DESC', schema: orders };
    const ids: number[] = [];
    for await (const { columns } of store.query(query)) ids.push(...(columns.order_id as Float64Array));
    expect(ids).toEqual(many.map(([id]) => id).reverse());
    for await (const page of store.query(query)) {
      expect(page.rows).toBeGreaterThan(0);
      break;
    }
    const refused = store.query({ from, sql: 'SELECT cents FROM o', schema });
    await expect(refused[Symbol.asyncIterator]().next()).rejects.toThrow(/answers no column order_id/);
    const empty = { o: { snapshot: await store.snapshot('orders', 0) } };
    for await (const { columns } of store.query({ from: empty, sql: 'SELECT count(*) AS order_id FROM o', schema })) {
      expect(columns.order_id).toEqual(Float64Array.of(0));
    }
  });

  test('says what it read: the columns it refers to, of the rows that are asked for', async () => {
    const { store } = await withTables();
    const rows = 250_000;
    const many = Array.from({ length: rows }, (_, i): Order => [i, i >> 3, (i * 7919) % 10_007, null]);
    await store.append('orders', batchOf(many), []);
    const snapshot = await store.snapshot('orders');
    const scannedBy = async (sql: string, where?: Predicate) =>
      (await store.derive(spec({ o: { snapshot, ...(where && { where }) } }, { sql }))).scanned;
    const whole = await scannedBy("SELECT 'all' AS name, sum(cents) AS cents FROM o");
    expect(whole.liveBytes).toBeGreaterThan(rows / 2);
    expect(whole.requestedBytes).toBe(whole.liveBytes);
    const wider = await scannedBy("SELECT 'all' AS name, sum(cents) AS cents FROM o WHERE order_id >= 0");
    expect(wider.liveBytes).toBeGreaterThan(whole.liveBytes);
    const where = { column: 'customer', from: 1_000, to: 1_000 + rows / 80 };
    const slice = await scannedBy("SELECT 'some' AS name, sum(cents) AS cents FROM o", where);
    // A tenth of the rows, and the column that tells which they are.
    expect(slice.liveBytes).toBeGreaterThan(whole.liveBytes / 10);
    expect(slice.liveBytes).toBeLessThan(wider.liveBytes / 5);
    expect(slice.requestedBytes).toBeGreaterThan(slice.liveBytes);
    expect(slice.requestedBytes).toBeLessThan(wider.requestedBytes);
    expect(await scannedBy("SELECT 'none' AS name, 0 AS cents")).toMatchObject({ liveBytes: 0, requestedBytes: 0 });
  });
}

const someOrders: readonly Order[] = [
  [1, 1, 100, null],
  [2, 1, 200, 'é'],
  [3, 2, 40, null],
];

function batchOf(rows: readonly Order[]): ColumnBatch {
  const columns = Object.fromEntries(orders.map(({ name }, i) => [name, rows.map((row) => row[i])]));
  return { rows: rows.length, columns: columns as ColumnBatch['columns'] };
}
