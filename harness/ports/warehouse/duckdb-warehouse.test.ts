import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
