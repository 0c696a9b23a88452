/** Bounds of a file's columns, as the statistics in a Delta log have them; found when they are first asked for. */
import type { Bounds } from '../delta/statistics.js';
import { compareValues } from '../delta/statistics.js';
import { forEachRow } from './row-heap.js';
import { rowsOf, type StoredFile, type Table } from './table.js';

const known = new WeakMap<StoredFile, Map<string, Bounds | null>>();

/** Null if all values are null. */
export function boundsIn(table: Table, file: StoredFile, name: string): Bounds | null {
  let ofFile = known.get(file);
  if (ofFile === undefined) {
    ofFile = new Map();
    known.set(file, ofFile);
  }
  let bounds = ofFile.get(name);
  if (bounds === undefined) {
    bounds = findBounds(table, file, name);
    ofFile.set(name, bounds);
  }
  return bounds;
}

function findBounds({ heap }: Table, file: StoredFile, name: string): Bounds | null {
  const column = heap.column(name);
  let least: number | string | null = null;
  let greatest: number | string | null = null;
  for (const rows of rowsOf([file])) {
    forEachRow(rows, (row) => {
      const value = column.at(row);
      if (value === null) return;
      if (least === null || compareValues(value, least) < 0) least = value;
      if (greatest === null || compareValues(value, greatest) > 0) greatest = value;
    });
  }
  return least === null || greatest === null ? null : { least, greatest };
}
