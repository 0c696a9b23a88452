/**
 * Rows as serving has them: from its own copy while that is young enough, else from the online store, in a few reads at a
 * time; misses that come while so many are under way go together into the next one. No key is in two reads at once: who
 * asks for one that is being read is answered by that read, so a row is never older than one that was answered before.
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

interface GatheredRead {
  readonly keys: string[];
  readonly rows: Promise<ReadRows>;
}

/** While one waits behind a put of the stream, others are answered; more would only take turns. */
const readsAtOnce = 4;

export function createRowCache({ store, clock, ttlUs, capacity }: RowCacheOptions): RowCache {
  const cached = new Map<string, KeptRow>();
  /** By key: the one read that will answer it, under way or about to begin. */
  const reading = new Map<string, Promise<ReadRows>>();
  /** Has not begun. */
  let gathered: GatheredRead | null = null;
  let underWay = 0;
  /** Lets the gathered read begin, if it waits for that. */
  let begin = () => {};

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
    for (const key of keys) {
      if (reading.has(key)) continue;
      gathered ??= gather();
      gathered.keys.push(key);
      reading.set(key, gathered.rows);
    }
    return joined(new Set(keys.map((key) => reading.get(key) as Promise<ReadRows>)));
  }

  /** A read of the keys that will have been asked for when it begins: soon, or when one that is under way is over. */
  function gather(): GatheredRead {
    const keys: string[] = [];
    const turn = underWay < readsAtOnce ? Promise.resolve() : new Promise<void>((resolve) => (begin = resolve));
    const rows = turn.then(() => {
      gathered = null;
      underWay++;
      return read(keys);
    });
    const end = () => {
      underWay--;
      for (const key of keys) reading.delete(key);
      begin();
    };
    rows.then(end, end); // those who wait for this read hear of its failure
    return { keys, rows };
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

async function joined(reads: ReadonlySet<Promise<ReadRows>>): Promise<ReadRows> {
  const [only] = reads;
  if (only && reads.size === 1) return only;
  return new Map((await Promise.all(reads)).flatMap((rows) => [...rows]));
}
