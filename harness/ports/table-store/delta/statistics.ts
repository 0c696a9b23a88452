/**
 * Statistics of a data file, carried as JSON in its `add` action, and the question they answer: can this file be
 * skipped? Missing statistics never skip.
 */
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

/** Other writers leave out what they do not know. */
function parse(stats: string): FileStatistics {
  return { numRecords: 0, minValues: {}, maxValues: {}, nullCount: {}, ...(JSON.parse(stats) as object) };
}

/** Whether the file may hold a row whose int `column` is one of `values`, which must be sorted. */
export function mayHold(file: AddFile, column: string, values: readonly number[]): boolean {
  const statistics = statisticsOf(file);
  if (statistics === null) return values.length > 0;
  const least = statistics.minValues[column];
  const greatest = statistics.maxValues[column];
  const first = typeof least === 'number' ? values[lowerBound(values, least)] : values[0];
  return first !== undefined && (typeof greatest !== 'number' || first <= greatest);
}

/** Whether the file may hold a row whose int `column` is greater than `value`. */
export function mayExceed(file: AddFile, column: string, value: number): boolean {
  const greatest = statisticsOf(file)?.maxValues[column];
  return typeof greatest !== 'number' || greatest > value;
}

/** Index of the first value that is not less than `bound`. */
function lowerBound(values: readonly number[], bound: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < bound) low = middle + 1;
    else high = middle;
  }
  return low;
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
