/** The warehouse of the embedded stack: a client of its server process. */
import type { Json } from '../../json.js';
import { connectRpc } from '../../rpc/client.js';
import { type PackedBatch, packColumns, unpackColumns } from './packed-columns.js';
import type { Warehouse } from './port.js';

/** Loading and building the view over all history is one call each; they are given up after this. */
const writeTimeoutUs = 120_000_000;
const readTimeoutUs = 10_000_000;

export function connectWarehouse(options: { readonly port: number }): Warehouse {
  const rpc = connectRpc({ port: options.port, timeoutUs: writeTimeoutUs, name: 'warehouse' });
  const ask = async <T>(method: string, head: Json, body: Uint8Array | readonly Uint8Array[] = []): Promise<T> =>
    (await rpc.call(method, { head, body })).head as T;
  /** Rows that the server streams, once it was asked to begin by `method`. */
  async function* stream(method: 'openQuery' | 'openScan', head: Json) {
    const scan = await ask<number>(method, head);
    let open = true;
    try {
      for (;;) {
        const { head: packed, body } = await rpc.call('nextRows', { head: scan });
        if (packed === null) {
          open = false;
          return;
        }
        yield unpackColumns(packed as unknown as PackedBatch, body);
      }
    } finally {
      // Whoever stops early is not kept by a server that is gone: it has forgotten the scan too.
      if (open) await ask('closeScan', scan).catch(() => {});
    }
  }
  return {
    async createTable(table, schema) {
      await ask('createTable', { table, schema: schema.map((column) => ({ ...column })) });
    },
    async stage(table, rows, position) {
      const { packed, body } = packColumns(rows);
      await ask('stage', { table, position: { ...position }, packed } as Json, body);
    },
    position: (source) => ask('position', source),
    merge: (spec) => ask('merge', { ...spec }),
    copy: (table, parquetPath, source) => ask('copy', { table, parquetPath, source }),
    refresh: (spec) => ask('refresh', spec as unknown as Json),
    async read(view, keys) {
      const body = new Uint8Array(Float64Array.from(keys).buffer);
      const answer = await rpc.call('read', { head: view, body }, { timeoutUs: readTimeoutUs });
      const { asOfUs, features } = answer.head as { asOfUs: number; features: number };
      return { asOfUs, rows: unpackRows(answer.body, keys.length, features) };
    },
    insert: (table, query, position) => ask('insert', { table, query, position } as unknown as Json),
    query: (query, schema) => stream('openQuery', { query, schema } as unknown as Json),
    scan: (table, columns) => stream('openScan', { table, columns }),
    tables: () => ask('tables', null),
    inventory: () => ask('inventory', null),
    async close() {
      rpc.close();
    },
  };
}

/** Rows of last_seq and features; NaN is null, and a row without last_seq an unknown entity. */
function unpackRows(body: Uint8Array, count: number, features: number) {
  const width = 1 + features;
  const values = new Float64Array(body.buffer, body.byteOffset, count * width);
  return Array.from({ length: count }, (_, row) => {
    const lastSeq = values[row * width]!;
    if (Number.isNaN(lastSeq)) return null;
    const own = values.subarray(row * width + 1, (row + 1) * width);
    return { lastSeq, features: Array.from(own, (value) => (Number.isNaN(value) ? null : value)) };
  });
}
