/**
 * How the embedded change log lies in LMDB:
 *
 *     entries     topic id u32 | partition u32 | offset u64, big-endian, so that byte order is log order -> entry
 *     topics      name -> id u32 | partitions u32
 *     positions   group, NUL, topic -> offset f64[]
 */
import type { RootDatabase } from 'lmdb';
import { type BinaryDatabase, openDatabase, openEnvironment } from '../lmdb/environment.js';

const utf8 = new TextEncoder();

export interface LogStorage {
  readonly root: RootDatabase<Uint8Array, Uint8Array>;
  readonly databases: Readonly<Record<LogDatabase, BinaryDatabase>>;
}
export type LogDatabase = 'entries' | 'topics' | 'positions';

/** One record to be written. */
export interface LogPut {
  readonly database: LogDatabase;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export function openLogStorage(directory: string): LogStorage {
  const root = openEnvironment(directory, 'synced');
  return {
    root,
    databases: {
      entries: openDatabase(root, 'entries'),
      topics: openDatabase(root, 'topics'),
      positions: openDatabase(root, 'positions'),
    },
  };
}

export interface StoredTopic {
  readonly name: string;
  readonly id: number;
  /** Per partition, the offset after its last entry. */
  readonly ends: number[];
}

/** Every topic, with its ends read from the entries themselves: there is no counter that could disagree with them. */
export function readTopics({ databases }: LogStorage): StoredTopic[] {
  return [...databases.topics.getRange({})].map(({ key, value }) => {
    const record = Buffer.from(value);
    const id = record.readUInt32LE(0);
    const partitions = record.readUInt32LE(4);
    const ends = Array.from({ length: partitions }, (_, partition) => endOffset(databases.entries, id, partition));
    return { name: Buffer.from(key).toString('utf8'), id, ends };
  });
}

function endOffset(entries: BinaryDatabase, topicId: number, partition: number): number {
  const first = entryKey(topicId, partition, 0);
  const last = entryKey(topicId, partition, Number.MAX_SAFE_INTEGER);
  for (const key of entries.getKeys({ start: last, reverse: true, limit: 1 })) {
    const found = Buffer.from(key);
    if (found.compare(first) >= 0) return found.readUInt32BE(8) * 2 ** 32 + found.readUInt32BE(12) + 1;
  }
  return 0;
}

export function entryKey(topicId: number, partition: number, offset: number): Uint8Array {
  const key = new DataView(new ArrayBuffer(16));
  key.setUint32(0, topicId);
  key.setUint32(4, partition);
  key.setUint32(8, Math.floor(offset / 2 ** 32));
  key.setUint32(12, offset % 2 ** 32);
  return new Uint8Array(key.buffer);
}

export function topicPut(name: string, id: number, partitions: number): LogPut {
  const value = new Uint8Array(Uint32Array.of(id, partitions).buffer);
  return { database: 'topics', key: utf8.encode(name), value };
}

export function positionKey(group: string, topic: string): Uint8Array {
  return utf8.encode(`${group}\0${topic}`);
}
