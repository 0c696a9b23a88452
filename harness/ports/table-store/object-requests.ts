/** What a table store asks of its object store, counted where it is asked: one call here is one request there. */
import { stat } from 'node:fs/promises';
import type { ObjectStore } from './delta/object-store.js';

/** As vendors bill them; an answer that there is no such object is billed too. */
export const requestKinds = ['put', 'get', 'list', 'delete'] as const;
export type RequestKind = (typeof requestKinds)[number];

/** Told of each request, with the bytes of the object that goes or comes. */
export type CountRequest = (kind: RequestKind, bytes: number) => void;

/**
 * `objects`, of which each request is counted, also of those that fail. A file that a program reads counts as one GET of
 * all its bytes, though a reader of Parquet may ask for parts of it.
 */
export function countRequests(objects: ObjectStore, count: CountRequest): ObjectStore {
  return {
    ...objects,
    putIfAbsent(path, text) {
      count('put', Buffer.byteLength(text));
      return objects.putIfAbsent(path, text);
    },
    put(path, text) {
      count('put', Buffer.byteLength(text));
      return objects.put(path, text);
    },
    async publish(staged, path, found) {
      count('put', await sizeOf(staged));
      return objects.publish(staged, path, found);
    },
    async get(path) {
      const text = await objects.get(path);
      count('get', text === null ? 0 : Buffer.byteLength(text));
      return text;
    },
    list(folder, from) {
      count('list', 0);
      return objects.list(folder, from);
    },
    folders(path) {
      count('list', 0);
      return objects.folders(path);
    },
    delete(path) {
      count('delete', 0);
      return objects.delete(path);
    },
    async localFiles(paths, reading) {
      const files = await objects.localFiles(paths, reading);
      for (const file of files) count('get', await sizeOf(file));
      return files;
    },
  };
}

/** Of a local file; 0 if it has gone, which whoever needs it says. */
async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => null))?.size ?? 0;
}
