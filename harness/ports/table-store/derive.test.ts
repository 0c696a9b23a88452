/** What derivations of Delta tables leave on the disk, and what they read there. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hostClock } from '../../clock.js';
import type { Schema } from '../columns.js';
import { quoteText } from '../duckdb-columns.js';
import { openTableStore } from './embedded.js';
import type { TableStore } from './port.js';

const schema: Schema = [
  { name: 'customer', type: 'int', nullable: false },
  { name: 'cents', type: 'int', nullable: true },
];
const rows = 1_100_000;

let directory: string;
let store: TableStore;
let instance: DuckDBInstance;
let connection: DuckDBConnection;
let source: { readonly parquet: readonly string[]; readonly schema: Schema };

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'planebench-derive-'));
  store = openTableStore({ directory: join(directory, 'tables'), clock: hostClock });
  await store.create('sorted', schema);
  instance = await DuckDBInstance.create(':memory:');
  connection = await instance.connect();
  const path = join(directory, 'source.parquet');
  // A permutation of the customers; integers of another width, and a column that nobody asks for.
  await connection.run(`
    COPY (SELECT (range * 7919 % ${rows})::INTEGER AS customer, CASE WHEN range % 3 > 0 THEN range % 100 END AS cents, 'x' AS more
      FROM range(${rows})) TO ${quoteText(path)} (FORMAT parquet)`);
  source = { parquet: [path], schema };
});
afterEach(async () => {
  connection.closeSync();
  instance.closeSync();
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

const importSorted = () =>
  store.derive({
    into: 'sorted',
    from: { source },
    sql: 'FROM source',
    mode: 'append',
    sortBy: ['customer'],
    txns: [],
  });

test('history comes in by SQL, sorted over all files, and a slice reads little of them', async () => {
  const imported = await importSorted();
  expect(imported).toMatchObject({ committed: true, version: 1, rows, files: 3 });
  // Nothing was read of a snapshot.
  expect(imported.scanned).toMatchObject({ liveBytes: 0, requestedBytes: 0 });
  const snapshot = await store.snapshot('sorted');
  expect(snapshot.files.reduce((sum, file) => sum + file.bytes, 0)).toBe(imported.bytes);
  const files = snapshot.files.map(({ path }) => quoteText(join(directory, 'tables', 'sorted', path))).join(', ');
  const groups = await connection.runAndReadAll(`
    SELECT row_group_num_rows::DOUBLE, stats_min_value::DOUBLE, stats_max_value::DOUBLE
    FROM parquet_metadata([${files}]) WHERE path_in_schema = 'customer' ORDER BY 2`);
  let next = 0;
  for (const [count, least, greatest] of groups.getRows() as [number, number, number][]) {
    expect([least, greatest]).toEqual([next, next + count - 1]);
    next += count;
  }
  expect(next).toBe(rows);

  await store.create('total', [{ name: 'cents', type: 'int', nullable: true }]);
  const totalOf = async (where?: { column: string; from: number; to: number }) => {
    const { scanned } = await store.derive({
      into: 'total',
      from: { sorted: { snapshot, ...(where && { where }) } },
      sql: 'SELECT sum(cents) AS cents FROM sorted',
      mode: 'replace',
      txns: [],
    });
    const found: unknown[] = [];
    for await (const { columns } of store.scan(await store.snapshot('total'), { columns: ['cents'] })) {
      found.push(...(columns.cents as Float64Array));
    }
    return { scanned, found };
  };
  const sumSql = `SELECT sum(cents)::DOUBLE FROM ${`read_parquet(${quoteText(source.parquet[0] as string)})`}`;
  const whole = await totalOf();
  expect(whole.found).toEqual((await connection.runAndReadAll(sumSql)).getRows()[0]);
  expect(whole.scanned.requestedBytes).toBe(whole.scanned.liveBytes);
  const slice = await totalOf({ column: 'customer', from: 500_000, to: 600_000 });
  expect(slice.found).toEqual(
    (await connection.runAndReadAll(`${sumSql} WHERE customer >= 500000 AND customer < 600000`)).getRows()[0],
  );
  // Two row groups of 12,288 rows in vain, beside 100,000 rows, at most.
  expect(slice.scanned.requestedBytes / slice.scanned.liveBytes).toBeLessThan(1.3);
  if (process.platform === 'linux') {
    expect(whole.scanned.readBytes).toBeGreaterThan(whole.scanned.liveBytes);
    expect(slice.scanned.readBytes).toBeGreaterThan(slice.scanned.liveBytes);
    expect(slice.scanned.readBytes).toBeLessThan((whole.scanned.readBytes as number) / 4);
  }
});

test('a table that is read by slices is cut so that little of it is read in vain', async () => {
  await store.derive({
    into: 'sorted',
    from: { source },
    sql: 'FROM source',
    mode: 'append',
    sortBy: ['customer'],
    sliceRows: 22_000,
    txns: [],
  });
  const snapshot = await store.snapshot('sorted');
  const where = { column: 'customer', from: 700_000, to: 722_000 };
  await store.create('slice', schema);
  const copySlice = () =>
    store.derive({
      into: 'slice',
      from: { sorted: { snapshot, where } },
      sql: 'FROM sorted',
      mode: 'replace',
      txns: [],
    });
  await copySlice();
  // The second time footers are known.
  const { rows: copied, scanned } = await copySlice();
  expect(copied).toBe(22_000);
  expect(scanned.requestedBytes / scanned.liveBytes).toBeLessThan(1.3);
  if (process.platform === 'linux') expect((scanned.readBytes as number) / scanned.liveBytes).toBeLessThan(1.3);
});

test('what was not committed is nowhere', async () => {
  const bad =
    'SELECT customer, CASE WHEN customer < 2000000 THEN cents ELSE cents END AS cents FROM source UNION ALL SELECT NULL, 1';
  await expect(store.derive({ into: 'sorted', from: { source }, sql: bad, mode: 'append', txns: [] })).rejects.toThrow(
    /answers null for customer in 1 of/,
  );
  expect((await store.snapshot('sorted')).files).toEqual([]);
  expect(await readdir(join(directory, 'tables', 'sorted'))).toEqual(['_delta_log']);
  const staged = await readdir(join(directory, 'tables', '.staging'));
  for (const name of staged) expect(await readdir(join(directory, 'tables', '.staging', name))).toEqual([]);
});
