/**
 * Statistics of a data file, carried as JSON in its `add` action, and the question they answer: can this file be
 * skipped? Missing statistics never skip.
 */
import type { Column } from '../../columns.js';
import { decodePartitionValue } from '../layout.js';
import type { Predicate } from '../port.js';
import type { AddFile } from './actions.js';

export interface FileStatistics {
  readonly numRecords: number;
  /** Only columns with a value; a bound that is absent is unknown. */
  readonly minValues: Readonly<Record<string, number | string>>;
  readonly maxValues: Readonly<Record<string, number | string>>;
  readonly nullCount: Readonly<Record<string, number>>;
}

const parsed = new WeakMap<AddFile, FileStatistics | null>();

/** Null if the file's writer gave none. */
export function statisticsOf(file: AddFile): FileStatistics | null {
  let statistics = parsed.get(file);
  if (statistics === undefined) {
    statistics = file.stats ? parse(file.stats) : null;
    parsed.set(file, statistics);
  }
  return statistics;
}

type Written = { readonly [field in keyof FileStatistics]?: FileStatistics[field] | null };

/**
 * Other writers leave out what they do not know, or say null: a struct of `stats_parsed` (protocol, "Checkpoint Schema") has a
 * field for every column.
 */
function parse(stats: string): FileStatistics | null {
  const written = JSON.parse(stats) as Written | null;
  if (written === null) return null;
  return {
    numRecords: written.numRecords ?? 0,
    minValues: known(written.minValues),
    maxValues: known(written.maxValues),
    nullCount: known(written.nullCount),
  };
}

function known<Value>(byColumn: Readonly<Record<string, Value>> | null | undefined): Readonly<Record<string, Value>> {
  const entries = Object.entries(byColumn ?? {});
  if (entries.every(([, value]) => value !== null)) return byColumn ?? {};
  return Object.fromEntries(entries.filter(([, value]) => value !== null));
}

export interface Bounds {
  /** Absent: unknown. */
  readonly least?: number | string | undefined;
  readonly greatest?: number | string | undefined;
}

/** Of the values in one column of a file, partition values included; null if all are null. */
export function boundsOf(file: AddFile, { name, type }: Column): Bounds | null {
  const partition = file.partitionValues[name];
  if (partition !== undefined) {
    const value = decodePartitionValue(partition, { name, type, nullable: true });
    return value === null ? null : { least: value, greatest: value };
  }
  const statistics = statisticsOf(file);
  if (statistics === null) return {};
  if (statistics.numRecords > 0 && statistics.nullCount[name] === statistics.numRecords) return null;
  return { least: statistics.minValues[name], greatest: statistics.maxValues[name] };
}

/** Whether there may be a row for which `where` holds, by the bounds of its column. */
export function mayMatch(where: Predicate): (bounds: Bounds | null) => boolean {
  if (!('values' in where)) {
    const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = where;
    return (bounds) => {
      if (bounds === null || from >= to) return false;
      const { least, greatest } = bounds;
      return (typeof least !== 'number' || least < to) && (typeof greatest !== 'number' || greatest >= from);
    };
  }
  const values = where.values.toSorted(compareValues);
  return (bounds) => {
    if (bounds === null) return false;
    const { least, greatest } = bounds;
    const first = values[least === undefined ? 0 : lowerBound(values, least)];
    return first !== undefined && (greatest === undefined || compareValues(first, greatest) <= 0);
  };
}

export function filesThatMayMatch(files: readonly AddFile[], column: Column, where: Predicate): readonly AddFile[] {
  const mayHold = mayMatch(where);
  return files.filter((file) => mayHold(boundsOf(file, column)));
}

/** Index of the first value that is not less than `bound`. */
function lowerBound(values: readonly (number | string)[], bound: number | string): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareValues(values[middle]!, bound) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether the file may hold a row whose int `column` is greater than `value`. */
export function mayExceed(file: AddFile, column: Column, value: number): boolean {
  const greatest = boundsOf(file, column)?.greatest;
  return typeof greatest !== 'number' || greatest > value;
}

/** Whether a value may lie within both; null bounds are of no values. */
export function mayOverlap(a: Bounds | null, b: Bounds | null): boolean {
  if (a === null || b === null) return false;
  return isAtMost(a.least, b.greatest) && isAtMost(b.least, a.greatest);
}

function isAtMost(least: number | string | undefined, greatest: number | string | undefined): boolean {
  return least === undefined || greatest === undefined || compareValues(least, greatest) <= 0;
}

/** Texts by their UTF-8 bytes, as Parquet's statistics and DuckDB have it. */
export function compareValues(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
}

/** Orders files by the least values of these columns, outermost first: neighbours hold neighbouring keys. */
export function compareByKey(a: AddFile, b: AddFile, columns: readonly string[]): number {
  for (const column of columns) {
    const least = statisticsOf(a)?.minValues[column] ?? '';
    const other = statisticsOf(b)?.minValues[column] ?? '';
    if (least !== other) return least < other ? -1 : 1;
  }
  return 0;
}
