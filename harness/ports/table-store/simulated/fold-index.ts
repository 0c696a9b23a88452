/** What a fold must know of each key: its current row, where that is, and the latest change that was ever folded. */
import type { FoldSpec } from '../port.js';
import { forEachRow, type HeapColumn, type RowHeap } from './row-heap.js';
import { rowsOf, type StoredFile, type Table } from './table.js';

/** Values of a key's columns but the last, one after the other, lead to the slots by the last one. */
type KeyMap = Map<unknown, KeyMap | Slots>;

/** Small numbers, as ids are, need no map: an eighth off the time of a fold. */
const directBelow = 1 << 22;

class Slots {
  /** -1: none. */
  private direct = new Int32Array(64).fill(-1);
  private readonly others = new Map<unknown, number>();

  get(value: unknown): number {
    if (!isDirect(value)) return this.others.get(value) ?? -1;
    return value < this.direct.length ? this.direct[value]! : -1;
  }

  set(value: unknown, slot: number): void {
    if (!isDirect(value)) {
      this.others.set(value, slot);
      return;
    }
    if (value >= this.direct.length) {
      const grown = new Int32Array(Math.max(2 * this.direct.length, value + 1)).fill(-1);
      grown.set(this.direct);
      this.direct = grown;
    }
    this.direct[value] = slot;
  }
}

function isDirect(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < directBelow;
}

export interface CurrentRow {
  readonly row: number;
  readonly file: StoredFile;
}

export class FoldIndex {
  /** A row of the table; -1: none is current. */
  row = new Int32Array(1024).fill(-1);
  /** Of the current row. */
  order = new Float64Array(1024).fill(Number.NEGATIVE_INFINITY);
  /** Greatest of the changes that were folded, deletions too. */
  folded = new Float64Array(1024).fill(Number.NEGATIVE_INFINITY);
  /** Where the current row was put; compactions may have moved it on. */
  readonly file: (StoredFile | null)[] = [];
  /** More rows of the same key, which only somebody else than a fold can have appended. */
  readonly others = new Map<number, CurrentRow[]>();
  /** Of keys of several columns. */
  private readonly slots: KeyMap = new Map();
  /** Of keys of one column. */
  private readonly single = new Slots();
  private count = 0;

  constructor(
    /** The version of the table's rows for which this holds. */
    public rowsVersion: number,
    /** The version of the other table up to which it was folded. */
    public position: number,
  ) {}

  /** The slot of a row's key, a new one if need be. */
  slotOf(key: readonly HeapColumn[], row: number): number {
    let level = this.slots;
    const last = key.length - 1;
    for (let i = 0; i < last; i++) {
      const value = key[i]!.at(row);
      let next = level.get(value);
      if (next === undefined) {
        next = i === last - 1 ? new Slots() : new Map();
        level.set(value, next);
      }
      if (next instanceof Slots) return this.slotIn(next, key[last]!.at(row));
      level = next;
    }
    return this.slotIn(this.single, key[last]!.at(row));
  }

  private slotIn(slots: Slots, value: unknown): number {
    let slot = slots.get(value);
    if (slot === -1) {
      slot = this.count++;
      if (slot === this.row.length) this.grow();
      this.file.push(null);
      slots.set(value, slot);
    }
    return slot;
  }

  setCurrent(slot: number, row: number, order: number, file: StoredFile | null): void {
    this.row[slot] = row;
    this.order[slot] = order;
    this.file[slot] = file;
    this.others.delete(slot);
  }

  private grow(): void {
    const size = 2 * this.row.length;
    const grown = <T extends Int32Array | Float64Array>(into: T, from: T) => {
      into.set(from);
      return into;
    };
    this.row = grown(new Int32Array(size).fill(-1), this.row);
    this.order = grown(new Float64Array(size).fill(Number.NEGATIVE_INFINITY), this.order);
    this.folded = grown(new Float64Array(size).fill(Number.NEGATIVE_INFINITY), this.folded);
  }
}

/** The index of earlier folds, or if others changed the rows since, or folded, one from all rows of both tables. */
export function openFoldIndex(
  spec: FoldSpec,
  from: Table,
  into: Table,
  position: number,
  news: readonly StoredFile[],
): FoldIndex {
  const signature = JSON.stringify(spec);
  const known = into.foldIndexes.get(signature);
  if (known?.rowsVersion === into.rowsVersion && known.position === position) return known;
  const index = new FoldIndex(into.rowsVersion, position);
  indexCurrent(index, spec, into);
  const fresh = new Set(news);
  indexFolded(
    index,
    spec,
    from.heap,
    from.files().filter((file) => !fresh.has(file)),
  );
  into.foldIndexes.set(signature, index);
  return index;
}

function indexCurrent(index: FoldIndex, spec: FoldSpec, into: Table): void {
  const key = spec.key.map((name) => into.heap.column(name));
  const order = into.heap.column(spec.order);
  for (const file of into.files()) {
    for (const rows of rowsOf([file])) {
      forEachRow(rows, (row) => {
        if (key.some((column) => column.at(row) === null)) return;
        const slot = index.slotOf(key, row);
        const at = (order.at(row) as number | null) ?? Number.NEGATIVE_INFINITY;
        if (index.row[slot] === -1) index.setCurrent(slot, row, at, file);
        else {
          index.order[slot] = Math.max(index.order[slot]!, at);
          index.others.set(slot, [...(index.others.get(slot) ?? []), { row, file }]);
        }
      });
    }
  }
}

/**
 * The past tells a new key from a deleted one. Merged files may hold changes beside it that are folded only now: these do
 * no harm, as none comes after the latest of its key.
 */
function indexFolded(index: FoldIndex, spec: FoldSpec, heap: RowHeap, past: readonly StoredFile[]): void {
  const key = spec.key.map((name) => heap.column(name));
  const order = heap.column(spec.order);
  const unless = spec.unless === undefined ? null : heap.column(spec.unless);
  for (const rows of rowsOf(past)) {
    forEachRow(rows, (row) => {
      if (unless !== null && unless.at(row) !== null) return;
      const at = order.at(row) as number | null;
      if (at === null || key.some((column) => column.at(row) === null)) return;
      const slot = index.slotOf(key, row);
      index.folded[slot] = Math.max(index.folded[slot]!, at);
    });
  }
}
