import { describe, expect, test } from 'vitest';
import { hourUs, minuteUs } from '../../../workloads/durations.js';
import { changeSchema, historySchemas } from '../../../workloads/fact-schemas.js';
import type { FeatureView } from '../../../workloads/feature-view.js';
import type { Resource } from '../../simulation/resource.js';
import type { ColumnBatch, Schema } from '../columns.js';
import { warehouseContract } from './contract.js';
import { simulateWarehouse } from './simulated.js';

/** Real time does not matter here. */
const host = async <T>(work: () => Promise<T>) => work();
const free: Resource = { use: async () => {}, busyUs: () => 0 };

function filesOf(files: ReadonlyMap<string, readonly ColumnBatch[]>) {
  return (path: string) => {
    const batches = files.get(path);
    if (!batches) throw new Error(`there is no file ${path}`);
    return batches;
  };
}

warehouseContract('the simulated warehouse', async () => {
  const files = new Map<string, readonly ColumnBatch[]>();
  const warehouse = simulateWarehouse({ resource: free, parquet: filesOf(files), host });
  return {
    warehouse,
    /** The server outlives whoever talks to it. */
    async reopen() {},
    async writeParquet(path, rows) {
      files.set(path, [rows]);
    },
    close: () => warehouse.close(),
  };
});

const pairs: Schema = [
  { name: 'id', type: 'int', nullable: false },
  { name: 'word', type: 'text', nullable: true },
];
const hour = { label: '1h', windowUs: hourUs, tileUs: minuteUs } as const;
const view: FeatureView = {
  name: 'orders',
  version: 1,
  features: [{ name: 'orders_count_1h', kind: 'count', source: 'orders', window: hour }],
};

/** A resource that serves a call when it is told to, and notes what it was asked for. */
function heldResource() {
  const asked: [operation: string, rows: number, bytes: number][] = [];
  const held: (() => void)[] = [];
  let isHeld = false;
  const resource: Resource = {
    use(operation, rows, bytes) {
      asked.push([operation, rows, bytes]);
      return isHeld ? new Promise((resolve) => held.push(resolve)) : Promise.resolve();
    },
    busyUs: () => 0,
  };
  return {
    resource,
    asked,
    hold() {
      isHeld = true;
    },
    serve() {
      isHeld = false;
      for (const resolve of held.splice(0)) resolve();
    },
  };
}

describe('the simulated warehouse over its resource', () => {
  const open = () => {
    const held = heldResource();
    const files = new Map([['file', [{ rows: 3, columns: { id: [7, 8, 9], word: ['x', null, 'z'] } }]]]);
    return { ...held, warehouse: simulateWarehouse({ resource: held.resource, parquet: filesOf(files), host }) };
  };

  test('each call is paid for once, by its rows and bytes; a scan once a page', async () => {
    const { warehouse, asked } = open();
    for (const table of ['a', 'b', 'c']) await warehouse.createTable(table, pairs);
    await warehouse.copy('a', 'file', 'file');
    await warehouse.copy('a', 'file', 'file');
    await warehouse.merge({ from: 'a', into: 'b', key: ['id'], duplicatesInto: 'c' });
    const rows = 45_000;
    const id = Float64Array.from({ length: rows }, (_, i) => i);
    const word = new Array<string>(rows).fill('four');
    await warehouse.stage('a', { rows, columns: { id, word } }, { source: 'a', from: null, to: [1] });
    const pages: number[] = [];
    for await (const page of warehouse.scan('a', ['word'])) pages.push(page.rows);
    for await (const page of warehouse.scan('c', ['id'])) pages.push(page.rows);
    await warehouse.position('a');
    await warehouse.tables();
    await warehouse.inventory();
    expect(pages).toEqual([20_000, 20_000, 5_000]);
    expect(asked.slice(3)).toEqual([
      ['copy', 3, 3 * 8 + 3 + 2],
      ['copy', 0, 0],
      ['merge', 3, 3 * 8 + 3 + 2],
      ['stage', rows, rows * 13],
      ['scan', 20_000, 20_000 * 5],
      ['scan', 20_000, 20_000 * 5],
      ['scan', 5_000, 5_000 * 5],
      ['scan', 0, 0],
      ['position', 0, 0],
      ['tables', 0, 0],
      ['inventory', 0, 0],
    ]);
  });

  test('a caller may use his columns again while his call waits', async () => {
    const { warehouse, hold, serve } = open();
    await warehouse.createTable('a', pairs);
    hold();
    const [id, word, to] = [Float64Array.of(1, 2), ['a', 'b'], [1]];
    const staged = warehouse.stage('a', { rows: 2, columns: { id, word } }, { source: 'a', from: null, to });
    id.fill(9);
    word.fill('z');
    to[0] = 9;
    serve();
    await staged;
    const held: ColumnBatch[] = [];
    for await (const page of warehouse.scan('a', ['id', 'word'])) held.push(page);
    expect(held).toEqual([{ rows: 2, columns: { id: Float64Array.of(1, 2), word: ['a', 'b'] } }]);
    expect(await warehouse.position('a')).toEqual([1]);
  });

  test('a refresh reflects what was served before it, also while it waited, and is paid for by entities', async () => {
    const { warehouse, asked, hold, serve } = open();
    await warehouse.createTable('history_orders', historySchemas.orders);
    await warehouse.createTable('changes', changeSchema);
    const refresh = () => warehouse.refresh({ view, history: 'history_', changes: 'changes', asOfUs: hourUs });
    const stageOrder = (customer: number) => {
      const columns = { order_id: [customer], customer: [customer], placed_us: [1], amount_cents: [1], category: [1] };
      return warehouse.stage('history_orders', { rows: 1, columns }, { source: `${customer}`, from: null, to: [1] });
    };
    expect(await refresh()).toEqual({ entities: 0 });
    hold();
    const staged = stageOrder(4);
    const refreshed = refresh();
    const read = warehouse.read(view.name, [4, 5]);
    serve();
    await staged;
    expect(await refreshed).toEqual({ entities: 1 });
    expect(await read).toEqual({ asOfUs: hourUs, rows: [{ lastSeq: 0, features: [1] }, null] });
    await stageOrder(5);
    expect(await refresh()).toEqual({ entities: 2 });
    // Of each of two customers five columns of history, a row of the view and an image.
    const image = view.features.some((feature) => 'column' in feature) ? 4 : 3;
    expect(warehouse.storedBytes()).toBe(2 * 8 * (5 + 3 + image));
    expect(asked.slice(2)).toEqual([
      ['refresh', 0, 0],
      ['stage', 1, 40],
      ['refresh', 0, 0],
      ['read', 2, 32],
      ['stage', 1, 40],
      ['refresh', 2, 0],
    ]);
  });

  test('tells every text that it holds, wherever it was moved', async () => {
    const { warehouse } = open();
    for (const table of ['a', 'b', 'c']) await warehouse.createTable(table, pairs);
    await warehouse.copy('a', 'file', 'one');
    await warehouse.copy('a', 'file', 'two');
    await warehouse.merge({ from: 'a', into: 'b', key: ['id'], duplicatesInto: 'c' });
    await warehouse.stage(
      'a',
      { rows: 1, columns: { id: [1], word: ['staged'] } },
      { source: 'a', from: null, to: [1] },
    );
    expect([...warehouse.stored()].sort()).toEqual(['staged', 'x', 'z']);
  });
});
