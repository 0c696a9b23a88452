import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { warehouseContract, writeParquetFile } from './contract.js';
import { connectWarehouse } from './embedded.js';
import { startWarehouseServer } from './embedded-process.js';

warehouseContract('the embedded warehouse', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'warehouse-'));
  let server = await startWarehouseServer({ directory, port: 0, threads: 1, readers: 2 });
  const warehouse = connectWarehouse({ port: server.port });
  return {
    warehouse,
    async reopen() {
      server.child.signal('SIGKILL');
      await server.child.exited;
      server = await startWarehouseServer({ directory, port: server.port, threads: 1, readers: 2 });
    },
    writeParquet: writeParquetFile,
    async close() {
      await warehouse.close();
      await server.child.stop();
      await rm(directory, { recursive: true });
    },
  };
});
