import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { warehouseContract, writeParquetFile } from './contract.js';
import { openDuckDbWarehouse } from './duckdb-warehouse.js';
import type { Warehouse } from './port.js';

warehouseContract('the warehouse over a DuckDB file', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'warehouse-'));
  const onFatal = (error: Error) => {
    throw error;
  };
  const open = () => openDuckDbWarehouse({ directory, threads: 1, readers: 2, onFatal });
  let opened = await open();
  return {
    /** The one that is open now. */
    warehouse: new Proxy({} as Warehouse, {
      get: (_, method: keyof Warehouse) => opened[method],
    }),
    async reopen() {
      await opened.close();
      opened = await open();
    },
    writeParquet: writeParquetFile,
    async close() {
      await opened.close();
      await rm(directory, { recursive: true });
    },
  };
});

test('no other call waits for an insert that takes long', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'warehouse-'));
  const warehouse = await openDuckDbWarehouse({ directory, threads: 1, readers: 1, onFatal: () => {} });
  const ids = [{ name: 'id', type: 'int', nullable: false }] as const;
  await warehouse.createTable('a', ids);
  await warehouse.createTable('b', ids);
  const order: string[] = [];
  const sql = 'SELECT max(hash(range) % 1000)::BIGINT AS id FROM range(100000000)';
  const inserted = warehouse.insert('a', { from: {}, sql }, { source: 'a', from: null, to: [1] }).then(() => {
    order.push('insert');
  });
  for (let to = 1; to <= 3; to++) {
    const from = to === 1 ? null : [to - 1];
    await warehouse.stage('b', { rows: 1, columns: { id: [to] } }, { source: 'b', from, to: [to] });
    order.push('stage');
  }
  await inserted;
  expect(order).toEqual(['stage', 'stage', 'stage', 'insert']);
  expect([await warehouse.position('a'), await warehouse.position('b')]).toEqual([[1], [3]]);
  await warehouse.close();
  await rm(directory, { recursive: true });
});
