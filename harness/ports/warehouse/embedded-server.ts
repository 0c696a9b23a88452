/** The embedded warehouse: a server process over a DuckDB file. See README.md. */
import { type Cancel, hostClock } from '../../clock.js';
import { CallError } from '../../errors.js';
import type { Json } from '../../json.js';
import { runChild } from '../../processes/child.js';
import type { RpcHandler } from '../../rpc/rpc.js';
import { serveRpc } from '../../rpc/server.js';
import type { ColumnBatch, Schema } from '../columns.js';
import { openDuckDbWarehouse } from './duckdb-warehouse.js';
import { type PackedBatch, packColumns, unpackColumns } from './packed-columns.js';
import type { MergeSpec, PositionMove, Query, RefreshSpec, ViewRows, Warehouse } from './port.js';

export interface WarehouseServerInit {
  readonly directory: string;
  /** 0: any free one; the port in use is passed to `ready`. */
  readonly port: number;
  readonly threads: number;
  readonly readers: number;
}

/** A scan that nobody asks for more rows is closed after this: its reader has died. */
const forgottenScanUs = 60_000_000;

runChild<WarehouseServerInit>(async ({ directory, port, threads, readers }, child) => {
  let giveUp: (error: Error) => void = () => {};
  const fatal = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  const warehouse = await openDuckDbWarehouse({ directory, threads, readers, onFatal: giveUp });
  const server = await serveRpc(warehouseMethods(warehouse), { port });
  child.ready({ port: server.port });
  await Promise.race([child.stopped, fatal]);
  await server.close();
  await warehouse.close();
});

function warehouseMethods(warehouse: Warehouse): Record<string, RpcHandler> {
  const scans = openScans();
  return {
    createTable: async ({ head }) => {
      const { table, schema } = head as unknown as { table: string; schema: Schema };
      await warehouse.createTable(table, schema);
      return { head: null };
    },
    stage: async ({ head, body }) => {
      const { table, position, packed } = head as unknown as {
        table: string;
        position: PositionMove;
        packed: PackedBatch;
      };
      await warehouse.stage(table, unpackColumns(packed, body), position);
      return { head: null };
    },
    position: async ({ head }) => ({ head: (await warehouse.position(head as string)) as Json }),
    merge: async ({ head }) => ({ head: { ...(await warehouse.merge(head as unknown as MergeSpec)) } }),
    copy: async ({ head }) => {
      const { table, parquetPath, source } = head as { table: string; parquetPath: string; source: string };
      return { head: { ...(await warehouse.copy(table, parquetPath, source)) } };
    },
    refresh: async ({ head }) => ({ head: { ...(await warehouse.refresh(head as unknown as RefreshSpec)) } }),
    read: async ({ head, body }) => {
      const keys = [...new Float64Array(body.buffer, body.byteOffset, body.length / 8)];
      return packRows(await warehouse.read(head as string, keys));
    },
    insert: async ({ head }) => {
      const { table, query, position } = head as unknown as { table: string; query: Query; position: PositionMove };
      return { head: { ...(await warehouse.insert(table, query, position)) } };
    },
    openQuery: async ({ head }) => {
      const { query, schema } = head as unknown as { query: Query; schema: Schema };
      return { head: await scans.open(warehouse.query(query, schema)) };
    },
    openScan: async ({ head }) => {
      const { table, columns } = head as { table: string; columns: string[] };
      return { head: await scans.open(warehouse.scan(table, columns)) };
    },
    nextRows: async ({ head }) => {
      const batch = await scans.next(head as number);
      if (batch === null) return { head: null };
      const { packed, body } = packColumns(batch);
      return { head: packed as unknown as Json, body };
    },
    closeScan: async ({ head }) => {
      await scans.close(head as number);
      return { head: null };
    },
    tables: async () => ({ head: await warehouse.tables() }),
    inventory: async () => {
      const { fileBytes, rows } = await warehouse.inventory();
      return { head: { fileBytes: [...fileBytes], rows } };
    },
  };
}

function packRows({ asOfUs, rows }: ViewRows): { head: Json; body: Uint8Array } {
  const features = rows.find((row) => row !== null)?.features.length ?? 0;
  const width = 1 + features;
  const values = new Float64Array(rows.length * width).fill(Number.NaN);
  for (const [i, row] of rows.entries()) {
    if (row === null) continue;
    values[i * width] = row.lastSeq;
    for (let f = 0; f < features; f++) values[i * width + 1 + f] = row.features[f] ?? Number.NaN;
  }
  return { head: { asOfUs, features }, body: new Uint8Array(values.buffer) };
}

/** Scans and queries that are being read, each by the number that its reader was given. */
function openScans() {
  const scans = new Map<number, { readonly batches: AsyncIterator<ColumnBatch>; forget: Cancel }>();
  let lastNumber = 0;

  const close = async (number: number) => {
    const scan = scans.get(number);
    scans.delete(number);
    scan?.forget();
    await scan?.batches.return?.();
  };
  const forgetLater = (number: number) => hostClock.after(forgottenScanUs, () => void close(number).catch(() => {}));

  return {
    async open(batches: AsyncIterable<ColumnBatch>): Promise<number> {
      const number = ++lastNumber;
      scans.set(number, { batches: batches[Symbol.asyncIterator](), forget: forgetLater(number) });
      return number;
    },
    /** Null after the last rows. */
    async next(number: number): Promise<ColumnBatch | null> {
      const scan = scans.get(number);
      if (!scan) throw new CallError('failed', 'this scan is no longer open; start it again');
      scan.forget();
      try {
        const { value, done } = await scan.batches.next();
        if (done) scans.delete(number);
        else scan.forget = forgetLater(number);
        return done ? null : value;
      } catch (error) {
        scans.delete(number);
        throw error;
      }
    },
    close,
  };
}
