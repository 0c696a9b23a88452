/**
 * Rows as serving has them: from its own copy while that is young enough, else from the online store. Misses that come
 * while a read is under way go together into the next one. There is never more than one read under way, so a row that is
 * answered is never older than one that was answered before.
 */
import type { Clock } from '../../harness/clock.js';
import type { OnlineStore, StoredRow } from '../../harness/ports/online-store/port.js';
import type { Evaluated } from '../../workloads/ageing.js';
import { getIfWhole, NotWhole } from './completeness.js';
import { rowTable } from './tables.js';

export interface RowCache {
  /**
   * The rows of `keys`, in their order; null for customers of whom nothing is known. Rejects with NotWhole where that cannot
   * be told from rows that were lost.
   */
  get(keys: readonly string[]): Promise<(CachedRow | null)[]>;
}

export interface CachedRow {
  readonly value: Uint8Array;
  /** What a read made of it, for the next one; null: nothing yet. */
  answered: Answered | null;
}

interface Answered extends Evaluated {
  readonly lastSeq: number;
  readonly latestUs: number;
}

export interface RowCacheOptions {
  readonly store: Pick<OnlineStore, 'get'>;
  readonly clock: Pick<Clock, 'nowUs'>;
  /** How long what is read now may be kept. */
  readonly ttlUs: () => number;
  readonly capacity: number;
}

interface KeptRow extends CachedRow {
  readonly readUs: number;
  readonly untilUs: number;
}
/** Without those that were lost. */
type ReadRows = ReadonlyMap<string, CachedRow | null>;

export function createRowCache({ store, clock, ttlUs, capacity }: RowCacheOptions): RowCache {
  const cached = new Map<string, KeptRow>();
  let reading: Promise<unknown> = Promise.resolve();
  let next: { readonly keys: Set<string>; readonly rows: Promise<ReadRows> } | null = null;

  return {
    async get(keys) {
      const nowUs = clock.nowUs();
      const rows = keys.map((key) => {
        const row = cached.get(key);
        return row && isYoung(row, nowUs) ? row : null;
      });
      const missing = keys.filter((_, i) => rows[i] === null);
      if (missing.length === 0) return rows;
      const found = await readTogether(missing);
      if (missing.some((key) => !found.has(key))) throw new NotWhole();
      return rows.map((row, i) => row ?? found.get(keys[i] as string) ?? null);
    },
  };

  function readTogether(keys: readonly string[]): Promise<ReadRows> {
    if (!next) {
      const gathered = new Set<string>();
      const rows = reading.then(() => {
        next = null;
        return read([...gathered]);
      });
      next = { keys: gathered, rows };
      reading = rows.catch(() => {}); // those who wait for this read hear of its failure
    }
    for (const key of keys) next.keys.add(key);
    return next.rows;
  }

  async function read(keys: readonly string[]): Promise<ReadRows> {
    const readUs = clock.nowUs();
    const found = await store.get(rowTable, keys);
    const rows = new Map<string, CachedRow | null>();
    const take = (key: string, row: StoredRow | null) => rows.set(key, row && keep(key, row, readUs));
    for (const [i, row] of found.entries()) if (row) take(keys[i] as string, row);
    const absent = keys.filter((key) => !rows.has(key));
    if (absent.length > 0) {
      const again = await getIfWhole(store, absent).catch(ifLost);
      for (const [i, row] of again?.entries() ?? []) take(absent[i] as string, row);
    }
    return rows;
  }

  /** Those who asked for others are answered. */
  function ifLost(error: unknown): null {
    if (error instanceof NotWhole) return null;
    throw error;
  }

  /** A row that was read later than now was read by a clock that was wrong since: its age is not known. */
  function isYoung({ readUs, untilUs }: KeptRow, nowUs: number): boolean {
    return readUs <= nowUs && nowUs < untilUs;
  }

  /** An absent row is not kept: it is about to come. */
  function keep(key: string, { value }: StoredRow, readUs: number): CachedRow {
    const untilUs = readUs + ttlUs();
    if (untilUs === readUs) return { value, answered: null };
    cached.delete(key);
    // A copy: what a port returns may be a view of a whole answer, which a kept row must not keep alive.
    const kept: KeptRow = { value: value.slice(), readUs, untilUs, answered: null };
    cached.set(key, kept);
    if (cached.size > capacity) cached.delete(cached.keys().next().value as string);
    return kept;
  }
}
