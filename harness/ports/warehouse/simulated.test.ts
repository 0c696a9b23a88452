import type { ColumnBatch } from '../columns.js';
import { warehouseContract } from './contract.js';
import { simulateWarehouse } from './simulated.js';

const free = { use: async () => {}, busyUs: () => 0 };

warehouseContract('the simulated warehouse', async () => {
  const files = new Map<string, readonly ColumnBatch[]>();
  const parquet = (path: string) => {
    const batches = files.get(path);
    if (!batches) throw new Error(`there is no file ${path}`);
    return batches;
  };
  const warehouse = simulateWarehouse({ resource: free, parquet });
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
