/** Reads rows of files a page at a time, by columns that are shared with the heap where that needs no copy. */
import type { ColumnBatch, IntValues, TextValues } from '../../columns.js';
import type { ScanQuery } from '../port.js';
import { pageRows, type RowHeap, type Rows } from './row-heap.js';

/** Cuts rows so that no part has more than a page, nor neighbours of two pages. */
export function* pagesOf(parts: readonly Rows[]): Iterable<Rows> {
  for (const rows of parts) {
    if (rows instanceof Uint32Array) {
      for (let from = 0; from < rows.length; from += pageRows) yield rows.subarray(from, from + pageRows);
      continue;
    }
    for (let { start } = rows; start < rows.end; ) {
      const end = Math.min(rows.end, start - (start % pageRows) + pageRows);
      yield { start, end };
      start = end;
    }
  }
}

export function readRows(heap: RowHeap, names: readonly string[], rows: Rows): ColumnBatch {
  const columns: Record<string, IntValues | TextValues> = {};
  for (const name of names) {
    const column = heap.column(name);
    columns[name] = rows instanceof Uint32Array ? column.gather(rows) : column.slice(rows);
  }
  return { rows: rows instanceof Uint32Array ? rows.length : rows.end - rows.start, columns };
}

/** The rows of a page that are wanted. */
export type RowFilter = (heap: RowHeap, rows: Rows) => Uint32Array;

/** A table of flags tells faster than a set which values are wanted, if they are not too far apart for one. */
const flagsAtMost = 1 << 22;

export function filterBy({ column: name, values }: NonNullable<ScanQuery['where']>): RowFilter {
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  const flags = greatest - least < flagsAtMost ? new Uint8Array(Math.max(0, greatest - least + 1)) : null;
  if (flags) for (const value of values) flags[value - least] = 1;
  const wanted = flags ? null : new Set<unknown>(values);
  const found = new Uint32Array(pageRows);
  return (heap, rows) => {
    const column = heap.column(name);
    const read = rows instanceof Uint32Array ? column.gather(rows) : column.slice(rows);
    let count = 0;
    for (let i = 0; i < read.length; i++) {
      const value = read[i];
      if (value === null) continue;
      if (flags ? flags[(value as number) - least] !== 1 : !wanted!.has(value)) continue;
      found[count++] = rows instanceof Uint32Array ? rows[i]! : rows.start + i;
    }
    return found.slice(0, count);
  };
}
