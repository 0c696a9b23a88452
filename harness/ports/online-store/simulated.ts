/**
 * The online store of the simulated stack: one object is the server that all roles of a run share. Every call is served
 * by the resource first, then takes effect at once, so that calls take effect in the order in which they were served.
 */
import type { Clock } from '../../clock.js';
import type { Resource } from '../../simulation/resource.js';
import { serverCopies } from '../../simulation/server-memory.js';
import type { KeyedRow, OnlineStore, RowBatch, StoredRow } from './port.js';
import { checkColumns, checkKeys, checkValues } from './row-batch.js';

export interface SimulatedOnlineStore extends OnlineStore {
  /** Takes away everything. */
  empty(): void;
  /** Everything it holds: names, keys and values, also of rows whose time to live is over. */
  stored(): Iterable<Uint8Array | string>;
  /** What that takes: an integer counts 8 bytes, a text its length and 1. */
  storedBytes(): number;
}

interface HeldRow extends StoredRow {
  readonly expiresUs: number;
}

interface Table {
  readonly rows: Map<string, HeldRow>;
  /** Its keys in byte order; null until a scan needs them, and again when a key has come. */
  sorted: string[] | null;
}

const server = 'the simulated online store';
/** Of its seq, its time and its time to live. */
const rowBytes = 3 * 8;
const noTable: Table = { rows: new Map(), sorted: [] };

export function simulateOnlineStore({ clock, resource }: { clock: Clock; resource: Resource }): SimulatedOnlineStore {
  const tables = new Map<string, Table>();
  const tableNamed = (name: string) => tables.get(name) ?? noTable;

  return {
    empty: () => tables.clear(),

    async put(table, batch) {
      checkColumns(table, batch);
      const keys = [...batch.keys];
      const rows = copied(batch);
      await resource.use('put', keys.length, textBytes(keys) + valueBytes(rows));
      checkKeys('put', server, keys);
      checkValues(
        server,
        rows.map(({ value }) => value),
      );
      let held = tables.get(table);
      if (!held && keys.length > 0) {
        held = { rows: new Map(), sorted: null };
        tables.set(table, held);
      }
      const written = held ? putNewer(held, keys, rows, clock.nowUs()) : 0;
      return { written, stale: keys.length - written };
    },

    async get(table, keys) {
      const asked = [...keys];
      const expected = rowsOf(tableNamed(table), asked, clock.nowUs());
      await resource.use('get', asked.length, textBytes(asked) + valueBytes(expected));
      checkKeys('get', server, asked);
      return rowsOf(tableNamed(table), asked, clock.nowUs());
    },

    async scan(table, after, limit) {
      const expected = pageOf(tableNamed(table), after, limit, clock.nowUs());
      const keyBytes = expected.reduce((bytes, { key }) => bytes + key.length + 1, 0);
      await resource.use('scan', expected.length, keyBytes + valueBytes(expected));
      return pageOf(tableNamed(table), after, limit, clock.nowUs());
    },

    async drop(table) {
      await resource.use('drop', 0, 0);
      tables.delete(table);
    },

    async tables() {
      await resource.use('tables', 0, 0);
      return [...tables.keys()].sort(compareBytes);
    },

    async close() {},

    *stored() {
      for (const [name, { rows }] of tables) {
        yield name;
        for (const [key, { value }] of rows) {
          yield key;
          yield value;
        }
      }
    },

    storedBytes() {
      let bytes = 0;
      for (const { rows } of tables.values()) {
        for (const [key, { value }] of rows) bytes += key.length + 1 + value.length + rowBytes;
      }
      return bytes;
    },
  };
}

/** The rows of a batch as the store keeps them. */
function copied({ seqs, asOfUs, values, expiresUs = Number.POSITIVE_INFINITY }: RowBatch): HeldRow[] {
  return serverCopies(values).map((value, i) => ({ seq: seqs[i]!, asOfUs: asOfUs[i]!, expiresUs, value }));
}

/** Puts the rows that are newer than what is held, one after the other; answers how many these were. */
function putNewer(table: Table, keys: readonly string[], rows: readonly HeldRow[], nowUs: number): number {
  let written = 0;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    const row = rows[i]!;
    const held = table.rows.get(key);
    if (held && !isNewer(row, held) && held.expiresUs >= nowUs) continue;
    if (!held) table.sorted = null;
    table.rows.set(key, row);
    written++;
  }
  return written;
}

function isNewer(row: HeldRow, held: HeldRow): boolean {
  return row.seq !== held.seq ? row.seq > held.seq : row.asOfUs > held.asOfUs;
}

function rowsOf({ rows }: Table, keys: readonly string[], nowUs: number): (StoredRow | null)[] {
  return keys.map((key) => {
    const row = rows.get(key);
    return row && row.expiresUs >= nowUs ? row : null;
  });
}

function pageOf(table: Table, after: string | null, limit: number, nowUs: number): KeyedRow[] {
  table.sorted ??= [...table.rows.keys()].sort(compareBytes);
  const page: KeyedRow[] = [];
  for (let i = after === null ? 0 : indexBehind(table.sorted, after); i < table.sorted.length; i++) {
    if (page.length >= limit) break;
    const key = table.sorted[i]!;
    const { seq, asOfUs, value, expiresUs } = table.rows.get(key)!;
    if (expiresUs >= nowUs) page.push({ key, seq, asOfUs, value });
  }
  return page;
}

/** Where the first key stands that is greater than `after`. */
function indexBehind(sorted: readonly string[], after: string): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (compareBytes(sorted[middle]!, after) > 0) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** The order of texts as UTF-8, which is that of their code points, without making the bytes. */
export function compareBytes(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** In UTF-16 the halves of code points above U+FFFF stand before U+E000; here they stand behind U+FFFF. */
const rank = (unit: number) => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800);

function textBytes(texts: readonly string[]): number {
  let bytes = texts.length;
  for (const text of texts) bytes += text.length;
  return bytes;
}

function valueBytes(rows: readonly (StoredRow | null)[]): number {
  let bytes = 0;
  for (const row of rows) bytes += row?.value.length ?? 0;
  return bytes;
}
