/**
 * How the embedded online store lies in LMDB:
 *
 *     rows       table id u32 big-endian, key UTF-8 -> record (see row-blocks.ts)
 *     tables     name -> table id u32
 *     dropped    table id u32 -> nothing: a table that is gone, whose rows are still being removed
 */
import type { RootDatabase } from 'lmdb';
import { type BinaryDatabase, openDatabase, openEnvironment } from '../lmdb/environment.js';
import { keyLimitBytes } from './row-batch.js';

export interface StoreStorage {
  readonly root: RootDatabase<Uint8Array, Uint8Array>;
  readonly rows: BinaryDatabase;
  readonly tables: BinaryDatabase;
  readonly dropped: BinaryDatabase;
}

export function openStoreStorage(directory: string): StoreStorage {
  const root = openEnvironment(directory, 'process-safe');
  return {
    root,
    rows: openDatabase(root, 'rows'),
    tables: openDatabase(root, 'tables'),
    dropped: openDatabase(root, 'dropped'),
  };
}

/** Rows of a dropped table that are removed at a time: few enough that a put does not wait long behind them. */
export const sweepRows = 1000;
const prefixBytes = 4;

const scratch = Buffer.alloc(prefixBytes + keyLimitBytes);

/** The key of a row, whose own key is `bytes[from, to)`. Valid until the next one is made. */
export function rowKey(tableId: number, bytes: Uint8Array, from: number, to: number): Uint8Array {
  if (to - from > keyLimitBytes) throw new Error(`a key of ${to - from} bytes is longer than ${keyLimitBytes}`);
  scratch.writeUInt32BE(tableId, 0);
  scratch.set(bytes.subarray(from, to), prefixBytes);
  return scratch.subarray(0, prefixBytes + to - from);
}

/** All row keys of a table are in `[tablePrefix(id), tablePrefix(id + 1))`. */
export function tablePrefix(tableId: number): Uint8Array {
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32BE(tableId, 0);
  return prefix;
}

/** Where a scan goes on: the first key in byte order that is greater than the row key of `after`. */
export function keyBehind(tableId: number, after: string): Uint8Array {
  return Buffer.concat([tablePrefix(tableId), Buffer.from(after), new Uint8Array(1)]);
}

/** The row's own key, of a key in LMDB. */
export function ownKey(key: Uint8Array): Uint8Array {
  return key.subarray(prefixBytes);
}

export function idBytes(tableId: number): Uint8Array {
  return tablePrefix(tableId);
}

/** The id of a table in the current transaction, or in the snapshot of the current read. */
export function findTable({ tables }: StoreStorage, name: string): number | null {
  const id = tables.getBinaryFast(Buffer.from(name));
  return id === undefined ? null : idOf(id);
}

/** In byte order. */
export function tableNames({ tables }: StoreStorage): string[] {
  return [...tables.getKeys({})].map((name) => Buffer.from(name).toString());
}

/** Tables that are gone, but not yet all of their rows. */
export function droppedTables({ dropped }: StoreStorage): number[] {
  return [...dropped.getKeys({})].map(idOf);
}

/** The highest id in use. */
export function highestId(storage: StoreStorage): number {
  const ids = [...storage.tables.getRange({})].map(({ value }) => idOf(value));
  return Math.max(0, ...ids, ...droppedTables(storage));
}

function idOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}
