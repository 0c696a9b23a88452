/** Rows in the order of their key: how a fold lays out its files, and finds a row in one again. */
import type { HeapColumn, RowHeap } from './row-heap.js';

export type CompareRows = (a: number, b: number) => number;

/** Nulls come last. */
export function compareBy(heap: RowHeap, key: readonly string[]): CompareRows {
  const columns = key.map((name): HeapColumn => heap.column(name));
  return (a, b) => {
    for (const column of columns) {
      const left = column.at(a);
      const right = column.at(b);
      if (left === right) continue;
      if (left === null || right === null) return left === null ? 1 : -1;
      return left < right ? -1 : 1;
    }
    return 0;
  };
}

/** The first index at or behind `from` whose row is not before `row`; near `from` it is found at once. */
export function lowerBound(rows: Uint32Array, row: number, compare: CompareRows, from = 0): number {
  let low = from;
  let step = 1;
  while (low + step <= rows.length && compare(rows[low + step - 1]!, row) < 0) {
    low += step;
    step *= 2;
  }
  let high = Math.min(rows.length, low + step - 1);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(rows[middle]!, row) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Runs of rows that the other list has nothing between are copied as such. */
export function mergeSorted(a: Uint32Array, b: Uint32Array, compare: CompareRows): Uint32Array {
  const [many, few] = a.length >= b.length ? [a, b] : [b, a];
  const merged = new Uint32Array(many.length + few.length);
  let taken = 0;
  for (let i = 0; i < few.length; i++) {
    const row = few[i]!;
    const next = lowerBound(many, row, compare, taken);
    merged.set(many.subarray(taken, next), taken + i);
    merged[next + i] = row;
    taken = next;
  }
  merged.set(many.subarray(taken), taken + few.length);
  return merged;
}
