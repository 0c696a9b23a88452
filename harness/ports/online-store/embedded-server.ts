/** The embedded online store: a server process over LMDB. See README.md for the calls and the records. */
import type { Clock } from '../../clock.js';
import { runChild } from '../../processes/child.js';
import type { RpcHandler } from '../../rpc/rpc.js';
import { serveRpc } from '../../rpc/server.js';
import { startWriterThread, type WriterThread } from '../lmdb/writer-thread.js';
import {
  droppedTables,
  findTable,
  keyBehind,
  openStoreStorage,
  ownKey,
  rowKey,
  type StoreStorage,
  sweepRows,
  tableNames,
  tablePrefix,
} from './embedded-storage.js';
import type { StoreResult, StoreWork } from './embedded-writer.js';
import { packKeyBytes, recordBlock, recordExpiresUs, viewKeyBlock } from './row-blocks.js';

export interface OnlineStoreServerInit {
  readonly directory: string;
  /** 0: any free one; the port in use is passed to `ready`. */
  readonly port: number;
}

runChild<OnlineStoreServerInit>(async ({ directory, port }, child) => {
  const writer = await startWriterThread<StoreWork, StoreResult>(
    new URL('./embedded-writer.js', import.meta.url),
    directory,
  );
  const storage = openStoreStorage(directory);
  const server = await serveRpc(storeMethods(storage, writer, child.clock, child.signal), { port });
  child.ready({ port: server.port });
  await Promise.race([child.stopped, writer.died]);
  await server.close();
  await writer.close();
  await storage.root.close();
});

function storeMethods(
  storage: StoreStorage,
  writer: WriterThread<StoreWork, StoreResult>,
  clock: Clock,
  signal: AbortSignal,
): Record<string, RpcHandler> {
  const { root, rows } = storage;

  /** Removes the rows of a dropped table, some at a time, between the puts; goes on at the next start if stopped. */
  const sweep = async (tableId: number) => {
    try {
      while (!signal.aborted && (await writer.write({ kind: 'sweep', tableId })) === sweepRows);
    } catch {
      // Refused, or the thread has died, which ends the server. The rows are out of reach either way.
    }
  };
  for (const tableId of droppedTables(storage)) void sweep(tableId);

  return {
    put: async ({ head, body }) => {
      const { table, count } = head as { table: string; count: number };
      return { head: await writer.write({ kind: 'put', table, count, body, nowUs: clock.nowUs() }, [body.buffer]) };
    },

    get: async ({ head, body }) => {
      const { table, count } = head as { table: string; count: number };
      const keys = viewKeyBlock(body, 0, count);
      const records = recordBlock(count);
      root.resetReadTxn(); // the newest commit, from which all keys are read
      const tableId = findTable(storage, table);
      if (tableId !== null) {
        const nowUs = clock.nowUs();
        let at = keys.start;
        for (let i = 0; i < count; i++) {
          const end = at + keys.lengths[i]!;
          const record = rows.getBinaryFast(rowKey(tableId, body, at, end));
          if (record !== undefined && recordExpiresUs(record) >= nowUs) records.set(i, record, record.length);
          at = end;
        }
      }
      return { head: null, body: records.parts(count) };
    },

    scan: async ({ head }) => {
      const { table, after, limit } = head as { table: string; after: string | null; limit: number };
      const keys: Uint8Array[] = [];
      const records = recordBlock(limit);
      root.resetReadTxn();
      const tableId = findTable(storage, table);
      if (tableId !== null && limit > 0) {
        const nowUs = clock.nowUs();
        const start = after === null ? tablePrefix(tableId) : keyBehind(tableId, after);
        for (const { key, value } of rows.getRange({ start, end: tablePrefix(tableId + 1) })) {
          if (recordExpiresUs(value) < nowUs) continue;
          records.set(keys.length, value, value.length);
          keys.push(ownKey(key));
          if (keys.length === limit) break;
        }
      }
      return { head: keys.length, body: [...packKeyBytes(keys), ...records.parts(keys.length)] };
    },

    tables: async () => {
      root.resetReadTxn();
      return { head: tableNames(storage) };
    },

    drop: async ({ head }) => {
      const tableId = await writer.write({ kind: 'drop', table: head as string });
      if (tableId !== 0) void sweep(tableId);
      return { head: null };
    },
  };
}
