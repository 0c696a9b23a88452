/** Puts rows in the place of those that have the same key, or removes these, as upsert.ts of the Delta tables does. */
import type { ColumnBatch } from '../../columns.js';
import { compareValues, mayOverlap } from '../delta/statistics.js';
import { keysTwice, nullKeys } from '../keys.js';
import type { AppendResult, KeyedWrite, Txn } from '../port.js';
import { columnOf } from '../predicate.js';
import { boundsIn } from './bounds.js';
import { type Edits, writeAgain, writeInserts } from './fold.js';
import { forEachRow, type RowRange } from './row-heap.js';
import { compareBy } from './sorted-rows.js';
import { type Replacement, rowsOf, type StoredFile, type Table } from './table.js';

/** An upsert that was computed and not committed. It holds while nothing else is committed. */
export interface Upsert {
  readonly version: number;
  readonly replacements: readonly Replacement[];
  /** Of the files that were written. */
  readonly rows: number;
  readonly bytes: number;
  readonly written: RowRange | null;
}

type Values = ArrayLike<number | string | null>;

export function planUpsert(table: Table, rows: ColumnBatch, { key }: KeyedWrite, removing: boolean): Upsert {
  for (const name of key) columnOf(table.name, table.schema, name);
  const positions = positionsByKey(table.name, rows, key);
  const written = removing || rows.rows === 0 ? null : table.append(rows);
  const edits = new Map<StoredFile, Edits>();
  const found = new Set<number>();
  for (const file of candidateFiles(table, rows, key)) {
    const columns = key.map((name) => table.heap.column(name));
    for (const part of rowsOf([file])) {
      forEachRow(part, (row) => {
        const position = positions.get(keyOf(columns.map((column) => column.at(row))));
        if (position === undefined) return;
        const known = edits.get(file) ?? { old: [], replacement: [] };
        edits.set(file, known);
        known.old.push(row);
        known.replacement.push(written === null || found.has(position) ? -1 : written.start + position);
        found.add(position);
      });
    }
  }
  const writing = { into: table, key, compare: compareBy(table.heap, key) };
  const fresh = written === null ? [] : Array.from(positions.values()).filter((position) => !found.has(position));
  const inserts = Uint32Array.from(fresh, (position) => written!.start + position);
  const replacements = [...writeAgain(writing, edits), ...writeInserts(writing, inserts)];
  const sum = (part: 'rows' | 'bytes') => replacements.reduce((total, { added }) => total + (added?.[part] ?? 0), 0);
  return { version: table.version, replacements, rows: sum('rows'), bytes: sum('bytes'), written };
}

export function commitUpsert(
  table: Table,
  planned: Upsert,
  txns: readonly Txn[],
  nowUs: number,
  run: string | null,
): AppendResult {
  if (planned.replacements.length === 0 && txns.length === 0) return { committed: false, version: table.version };
  table.commit(planned.replacements, txns, nowUs, run);
  return { committed: true, version: table.version };
}

/** Where in the batch each key is. */
function positionsByKey(table: string, { rows, columns }: ColumnBatch, key: readonly string[]): Map<unknown, number> {
  const values = key.map((name): Values => {
    const found = columns[name];
    if (found !== undefined) return found;
    throw new Error(`The batch has no column ${name}; it has ${Object.keys(columns).join(', ')}.`);
  });
  const positions = new Map<unknown, number>();
  const twice = new Set<unknown>();
  let withoutKey = 0;
  for (let i = 0; i < rows; i++) {
    const parts = values.map((column) => column[i] ?? null);
    if (parts.includes(null)) withoutKey++;
    const name = keyOf(parts);
    if (positions.has(name)) twice.add(name);
    positions.set(name, i);
  }
  if (withoutKey > 0) throw new Error(nullKeys(table, key, withoutKey));
  if (twice.size > 0) throw new Error(keysTwice(table, key, twice.size));
  return positions;
}

function keyOf(parts: readonly (number | string | null)[]): unknown {
  return parts.length === 1 ? parts[0] : JSON.stringify(parts);
}

/** Those whose bounds hold some part of the range of the batch's keys. */
function candidateFiles(table: Table, { rows, columns }: ColumnBatch, key: readonly string[]): StoredFile[] {
  if (rows === 0) return [];
  const ranges = key.map((name) => {
    const values = Array.from(columns[name] as Values).slice(0, rows) as (number | string)[];
    const least = values.reduce((a, b) => (compareValues(a, b) <= 0 ? a : b));
    return { least, greatest: values.reduce((a, b) => (compareValues(a, b) >= 0 ? a : b)) };
  });
  return table.files().filter((file) => key.every((name, i) => mayOverlap(boundsIn(table, file, name), ranges[i]!)));
}
