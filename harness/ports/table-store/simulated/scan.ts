/** Reads rows of files a page at a time, by columns that are shared with the heap where that needs no copy. */
import type { ColumnBatch, IntValues, TextValues } from '../../columns.js';
import type { Predicate } from '../port.js';
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

export function filterBy(where: Predicate): RowFilter {
  return 'values' in where ? filterByValues(where) : filterByRange(where);
}

function filterByRange(where: Extract<Predicate, { readonly from?: number }>): RowFilter {
  const { column: name, from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = where;
  return filterRows(name, (value) => value !== null && (value as number) >= from && (value as number) < to);
}

function filterByValues({ column: name, values }: Extract<Predicate, { readonly values: unknown }>): RowFilter {
  const ints = values.filter((value) => typeof value === 'number');
  if (ints.length < values.length) {
    const wanted = new Set<unknown>(values);
    return filterRows(name, (value) => value !== null && wanted.has(value));
  }
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (const value of ints) {
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  const flags = greatest - least < flagsAtMost ? new Uint8Array(Math.max(0, greatest - least + 1)) : null;
  if (flags) for (const value of ints) flags[value - least] = 1;
  const wanted = flags ? null : new Set<unknown>(values);
  return filterRows(name, (value) =>
    value === null ? false : flags ? flags[(value as number) - least] === 1 : wanted!.has(value),
  );
}

function filterRows(name: string, isWanted: (value: number | string | null | undefined) => boolean): RowFilter {
  const found = new Uint32Array(pageRows);
  return (heap, rows) => {
    const column = heap.column(name);
    const read = rows instanceof Uint32Array ? column.gather(rows) : column.slice(rows);
    let count = 0;
    for (let i = 0; i < read.length; i++) {
      if (isWanted(read[i])) found[count++] = rows instanceof Uint32Array ? rows[i]! : rows.start + i;
    }
    return found.slice(0, count);
  };
}
