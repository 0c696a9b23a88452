/** The thread that writes the store: each piece of work is one transaction. */
import { transact } from '../lmdb/environment.js';
import { runWriterThread } from '../lmdb/writer-thread.js';
import {
  findTable,
  highestId,
  idBytes,
  openStoreStorage,
  rowKey,
  type StoreStorage,
  sweepRows,
  tablePrefix,
} from './embedded-storage.js';
import { recordLimitBytes } from './row-batch.js';
import { recordHeaderBytes, viewKeyBlock, viewRecordBlock } from './row-blocks.js';

export type StoreWork =
  | {
      readonly kind: 'put';
      readonly table: string;
      readonly count: number;
      readonly body: Uint8Array;
      /** Rows whose time to live is over by then count as absent. */
      readonly nowUs: number;
    }
  | { readonly kind: 'drop'; readonly table: string }
  /** Removes some rows of a dropped table. */
  | { readonly kind: 'sweep'; readonly tableId: number };

/** Of a put the rows written, of a drop the id of the table or 0 if there was none, of a sweep the rows removed. */
export type StoreResult = number;

runWriterThread<StoreWork, StoreResult>((directory) => {
  const storage = openStoreStorage(directory);
  const { root, tables, dropped } = storage;
  let lastId = highestId(storage);

  const findOrCreate = (table: string): number => {
    const id = findTable(storage, table);
    if (id !== null) return id;
    tables.put(Buffer.from(table), idBytes(++lastId));
    return lastId;
  };

  return {
    write: (work) =>
      transact(root, () => {
        switch (work.kind) {
          case 'put':
            return putNewer(storage, findOrCreate(work.table), work);
          case 'drop': {
            const id = findTable(storage, work.table);
            if (id === null) return 0;
            tables.remove(Buffer.from(work.table));
            dropped.put(idBytes(id), new Uint8Array(0));
            return id;
          }
          case 'sweep':
            return sweep(storage, work.tableId);
        }
      }),
    close: () => root.close(),
  };
});

function putNewer({ rows }: StoreStorage, tableId: number, put: StoreWork & { kind: 'put' }): number {
  const { count, body, nowUs } = put;
  const keys = viewKeyBlock(body, 0, count);
  const records = viewRecordBlock(body, keys.end, count);
  const header = new Float64Array(body.buffer, body.byteOffset, body.length >> 3);
  let written = 0;
  let keyAt = keys.start;
  let recordAt = records.start;
  for (let i = 0; i < count; i++) {
    const keyEnd = keyAt + keys.lengths[i]!;
    const recordBytes = records.lengths[i]!;
    if (recordBytes < recordHeaderBytes || recordBytes > recordLimitBytes)
      throw new Error(`a row of ${recordBytes} bytes: expected ${recordHeaderBytes} to ${recordLimitBytes}`);
    const key = rowKey(tableId, body, keyAt, keyEnd);
    const stored = rows.getBinaryFast(key);
    const seq = header[recordAt / 8]!;
    if (stored === undefined || isNewer(seq, header[recordAt / 8 + 1]!, stored, nowUs)) {
      rows.put(key, body.subarray(recordAt, recordAt + recordBytes));
      written++;
    }
    keyAt = keyEnd;
    recordAt += (recordBytes + 7) & ~7;
  }
  return written;
}

/** Whether `(seq, asOfUs)` replaces the record that is stored. */
function isNewer(seq: number, asOfUs: number, stored: Buffer, nowUs: number): boolean {
  const storedSeq = stored.readDoubleLE(0);
  if (seq !== storedSeq ? seq > storedSeq : asOfUs > stored.readDoubleLE(8)) return true;
  return stored.readDoubleLE(16) < nowUs;
}

function sweep({ rows, dropped }: StoreStorage, tableId: number): number {
  const keys = [...rows.getKeys({ start: tablePrefix(tableId), end: tablePrefix(tableId + 1), limit: sweepRows })];
  for (const key of keys) rows.remove(key);
  if (keys.length < sweepRows) dropped.remove(idBytes(tableId));
  return keys.length;
}
