import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { minuteUs } from '../../../workloads/durations.js';
import { changeSchema, historySchemas } from '../../../workloads/fact-schemas.js';
import { customerActivity } from '../../../workloads/feature-view.js';
import { CallError } from '../../errors.js';
import { seededRandom } from '../../random.js';
import type { ColumnBatch } from '../columns.js';
import { epochUs } from './change-stories.js';
import { connectWarehouse } from './embedded.js';
import { startWarehouseServer } from './embedded-process.js';
import type { Warehouse } from './port.js';

const customers = 700;
const rounds = 12;
const settings = { threads: 1, readers: 2 };

let directory: string;
let server: Awaited<ReturnType<typeof startWarehouseServer>>;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'warehouse-kill-'));
  server = await startWarehouseServer({ directory, port: 0, ...settings });
});
afterAll(async () => {
  await server.child.stop();
  await rm(directory, { recursive: true });
});

/** Batch n brings change n of every customer, an order each. */
function batchOf(n: number): ColumnBatch {
  const columns = Object.fromEntries(
    changeSchema.map(({ name, nullable }) => [
      name,
      new Array<number | string | null>(customers).fill(nullable ? null : n),
    ]),
  );
  const constants = {
    seq: n,
    source_table: 'orders',
    op: 'c',
    commit_us: epochUs,
    event_us: epochUs - minuteUs,
    amount_cents: 1,
    category: 1,
  };
  for (const [name, value] of Object.entries(constants)) columns[name]!.fill(value);
  for (let i = 0; i < customers; i++) {
    columns.customer![i] = i;
    columns.entity![i] = n * customers + i;
  }
  return { rows: customers, columns: columns as ColumnBatch['columns'] };
}

/** What the tables hold: per batch that is there, where; and how far the view is. */
async function takeStock(warehouse: Warehouse) {
  const held = {
    staged: new Map<number, number>(),
    changes: new Map<number, number>(),
    duplicates: new Map<number, number>(),
  };
  for (const [table, counts] of Object.entries(held)) {
    for await (const { rows, columns } of warehouse.scan(table, ['seq'])) {
      for (let i = 0; i < rows; i++) {
        const seq = columns.seq![i] as number;
        counts.set(seq, (counts.get(seq) ?? 0) + 1);
      }
    }
  }
  const { rows } = await warehouse.read(customerActivity.name, [...Array(customers).keys()]);
  return { ...held, rows };
}

test('a server that is killed while it stages, merges and refreshes has each acknowledged batch once, and nothing half', async () => {
  const random = seededRandom(11);
  const warehouse = connectWarehouse({ port: server.port });
  for (const source of ['orders', 'clicks', 'devices'] as const) {
    await warehouse.createTable(`history_${source}`, historySchemas[source]);
  }
  for (const table of ['staged', 'changes', 'duplicates']) await warehouse.createTable(table, changeSchema);
  const refresh = () =>
    warehouse.refresh({ view: customerActivity, history: 'history_', changes: 'changes', asOfUs: epochUs });
  await refresh();

  let indeterminate = 0;
  let position = 0;
  for (let round = 0; round < rounds; round++) {
    let attempted = position;
    let acknowledged = position;
    let merged = 0;
    let answers = 0;
    const lethal = 3 + random.below(25);
    let alive = true;
    const count = async (work: Promise<unknown>) => {
      try {
        await work;
        if (++answers === lethal) {
          alive = false;
          server.child.signal('SIGKILL');
        }
        return true;
      } catch (error) {
        if (!(error instanceof CallError)) throw error;
        if (error.outcome === 'indeterminate') indeterminate++;
        alive = false;
        return false;
      }
    };
    const stageOn = async () => {
      while (alive) {
        const [from, to] = [attempted === 0 ? null : [attempted], attempted + 1];
        attempted = to;
        if (await count(warehouse.stage('staged', batchOf(to), { source: 'log', from, to: [to] }))) acknowledged = to;
      }
    };
    const mergeOn = async () => {
      while (alive) {
        const before = acknowledged;
        const done = await count(
          warehouse.merge({ from: 'staged', into: 'changes', key: ['customer', 'seq'], duplicatesInto: 'duplicates' }),
        );
        if (done) merged = before;
        if (alive) await count(refresh());
      }
    };
    await Promise.all([stageOn(), mergeOn()]);
    await server.child.exited;
    server = await startWarehouseServer({ directory, port: server.port, ...settings });

    position = (await warehouse.position('log'))?.[0] ?? 0;
    expect(position).toBeGreaterThanOrEqual(acknowledged);
    expect(position).toBeLessThanOrEqual(attempted);
    const { staged, changes, duplicates, rows } = await takeStock(warehouse);
    expect(duplicates.size).toBe(0);
    const inTables = [...changes.keys(), ...staged.keys()].sort((a, b) => a - b);
    expect(inTables).toEqual(Array.from({ length: position }, (_, i) => i + 1));
    for (const rowCount of [...staged.values(), ...changes.values()]) expect(rowCount).toBe(customers);
    expect(changes.size).toBeGreaterThanOrEqual(merged);
    const lastSeqs = new Set(rows.map((row) => row?.lastSeq ?? 0));
    expect(lastSeqs.size).toBe(1);
    expect([...lastSeqs][0]).toBeLessThanOrEqual(changes.size);
    for (const row of rows) expect(row?.features[0] ?? 0).toBe(row?.lastSeq ?? 0);
  }
  await refresh();
  expect(new Set((await takeStock(warehouse)).rows.map((row) => row?.lastSeq))).toEqual(
    new Set([(await takeStock(warehouse)).changes.size]),
  );
  expect(indeterminate).toBeGreaterThan(0);
  await warehouse.close();
});
