/**
 * Local copies of objects that never change, by the path of the object. The least recently used go when they are too many
 * bytes together, but none that somebody reads: what one reading needs is there, even if it is more than that.
 */
import type { Reading } from './object-store.js';
import { discardStaged } from './staging.js';

export interface LocalCopy {
  readonly file: string;
  readonly bytes: number;
}

export interface KeptFiles {
  add(path: string, copy: LocalCopy): void;
  /** The copy, which stays until the reading is released; fetched if it is not there, null if it cannot be. */
  take(
    path: string,
    reading: Reading,
    fetch: () => Promise<LocalCopy | null>,
  ): Promise<{ readonly file: string; readonly fetchedBytes: number } | null>;
  release(reading: Reading): void;
  /** The object has gone. Who reads the copy reads on. */
  forget(path: string): void;
  forgetAll(): void;
}

interface Kept extends LocalCopy {
  readonly readings: Set<Reading>;
  forgotten: boolean;
}

export function keepFiles(bytesAtMost: number): KeptFiles {
  /** The least recently used first. */
  const copies = new Map<string, Kept>();
  const fetching = new Map<string, { readonly copy: Promise<Kept | null>; readonly readings: Set<Reading> }>();
  const heldBy = new Map<Reading, Set<Kept>>();
  /** That ended while a file was still being fetched for them, as another could not be. */
  const released = new WeakSet<Reading>();
  let bytes = 0;

  function keep(path: string, copy: Kept): void {
    forget(path);
    copies.set(path, copy);
    bytes += copy.bytes;
    for (const reading of copy.readings) {
      if (released.has(reading)) copy.readings.delete(reading);
      else hold(reading, copy);
    }
    makeRoom();
  }

  function hold(reading: Reading, copy: Kept): void {
    copy.readings.add(reading);
    heldBy.set(reading, (heldBy.get(reading) ?? new Set()).add(copy));
  }

  function makeRoom(): void {
    for (const [path, { readings }] of copies) {
      if (bytes <= bytesAtMost) return;
      if (readings.size === 0) forget(path);
    }
  }

  function forget(path: string): void {
    const copy = copies.get(path);
    if (!copy) return;
    copies.delete(path);
    bytes -= copy.bytes;
    copy.forgotten = true;
    if (copy.readings.size === 0) void discardStaged(copy.file);
  }

  /** Several that want the same file at once share one request. */
  function fetchOnce(path: string, reading: Reading, fetch: () => Promise<LocalCopy | null>): Promise<Kept | null> {
    const readings = new Set([reading]);
    const copy = fetch()
      .then((fetched) => {
        if (fetched === null) return null;
        const fresh = { ...fetched, readings, forgotten: false };
        keep(path, fresh);
        return fresh;
      })
      .finally(() => fetching.delete(path));
    fetching.set(path, { copy, readings });
    return copy;
  }

  return {
    add: (path, copy) => keep(path, { ...copy, readings: new Set(), forgotten: false }),
    async take(path, reading, fetch) {
      const there = copies.get(path);
      if (there) {
        hold(reading, there);
        copies.delete(path);
        copies.set(path, there);
        return { file: there.file, fetchedBytes: 0 };
      }
      const underWay = fetching.get(path);
      underWay?.readings.add(reading);
      const copy = await (underWay?.copy ?? fetchOnce(path, reading, fetch));
      return copy && { file: copy.file, fetchedBytes: underWay ? 0 : copy.bytes };
    },
    release(reading) {
      for (const copy of heldBy.get(reading) ?? []) {
        copy.readings.delete(reading);
        if (copy.readings.size === 0 && copy.forgotten) void discardStaged(copy.file);
      }
      heldBy.delete(reading);
      released.add(reading);
      makeRoom();
    },
    forget,
    forgetAll() {
      for (const path of copies.keys()) forget(path);
    },
  };
}
