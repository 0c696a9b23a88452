/** Rows in the order of a Z-order curve over the ranks of their values, as cluster.ts of the Delta tables has them. */
import type { RowHeap } from './row-heap.js';
import { compareBy } from './sorted-rows.js';

export function clusterRows(heap: RowHeap, rows: Uint32Array, columns: readonly string[]): Uint32Array {
  if (columns.length === 1) return rows.sort(compareBy(heap, columns));
  const ranks = columns.map((name) => rankBy(heap, rows, name));
  const order = Uint32Array.from(rows.keys()).sort((a, b) => compareOnCurve(ranks, a, b) || a - b);
  return order.map((i) => rows[i]!);
}

/** For each row, where its value stands from 0 to 65,535; equal values stand together. */
function rankBy(heap: RowHeap, rows: Uint32Array, name: string): Uint16Array {
  const compare = compareBy(heap, [name]);
  const sorted = Uint32Array.from(rows.keys()).sort((a, b) => compare(rows[a]!, rows[b]!));
  const ranks = new Uint16Array(rows.length);
  let first = 0;
  for (let at = 0; at < sorted.length; at++) {
    if (compare(rows[sorted[first]!]!, rows[sorted[at]!]!) !== 0) first = at;
    ranks[sorted[at]!] = Math.round((first / Math.max(1, sorted.length - 1)) * 65_535);
  }
  return ranks;
}

/** Positions on the curve interleave the ranks' bits, so that the rank which differs in the highest one decides. */
function compareOnCurve(ranks: readonly Uint16Array[], a: number, b: number): number {
  let highest = 0;
  let difference = 0;
  for (const column of ranks) {
    const bits = column[a]! ^ column[b]!;
    if (isHigher(highest, bits)) continue;
    highest = bits;
    difference = column[a]! - column[b]!;
  }
  return difference;
}

/** Whether the highest bit of `a` is above that of `b`. */
function isHigher(a: number, b: number): boolean {
  return b < a && b < (a ^ b);
}
