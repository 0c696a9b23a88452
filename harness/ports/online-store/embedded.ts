/** The online store of the embedded stack: a client of its server process. */
import { connectRpc } from '../../rpc/client.js';
import type { OnlineStore } from './port.js';
import { checkColumns, checkKeys, checkValues } from './row-batch.js';
import { packKeys, packRows, unpackKeys, unpackRows, viewKeyBlock, viewRecordBlock } from './row-blocks.js';

/** After this, a call is given up. */
const timeoutUs = 5_000_000;

export function connectOnlineStore(options: { readonly port: number }): OnlineStore {
  const rpc = connectRpc({ port: options.port, timeoutUs, name: 'online store' });
  const where = `online store at 127.0.0.1:${options.port}`;
  return {
    async put(table, rows) {
      checkColumns(table, rows);
      checkKeys('put', where, rows.keys);
      checkValues(where, rows.values);
      const count = rows.keys.length;
      const written = (await rpc.call('put', { head: { table, count }, body: packRows(rows) })).head as number;
      return { written, stale: count - written };
    },
    async get(table, keys) {
      const count = keys.length;
      checkKeys('get', where, keys);
      const { body } = await rpc.call('get', { head: { table, count }, body: packKeys(keys).body });
      return unpackRows(body, viewRecordBlock(body, 0, count));
    },
    async scan(table, after, limit) {
      const { head, body } = await rpc.call('scan', { head: { table, after, limit } });
      const keyBlock = viewKeyBlock(body, 0, head as number);
      const keys = unpackKeys(body, keyBlock);
      const rows = unpackRows(body, viewRecordBlock(body, keyBlock.end, head as number));
      return keys.map((key, i) => ({ key, ...rows[i]! }));
    },
    async drop(table) {
      await rpc.call('drop', { head: table });
    },
    tables: async () => (await rpc.call('tables', { head: null })).head as string[],
    async close() {
      rpc.close();
    },
  };
}
