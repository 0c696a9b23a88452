/** Pages of columns that were loaded before the run, as if they were read from the Parquet file they came from. */
import type { Column, ColumnBatch, IntValues, Schema, TextValues } from '../../columns.js';

const rowsPerPage = 20_000;

interface Piece {
  readonly batch: ColumnBatch;
  readonly from: number;
  readonly to: number;
}

/** In the order of the file, so that whoever stores them by the chunk can go on after a crash. */
export function* pagesOfParquet(path: string, batches: readonly ColumnBatch[], schema: Schema): Iterable<ColumnBatch> {
  for (const pieces of cut(batches)) {
    const columns: Record<string, IntValues | TextValues> = {};
    for (const column of schema) columns[column.name] = join(path, column, pieces);
    yield { rows: pieces.reduce((sum, { from, to }) => sum + to - from, 0), columns };
  }
}

function* cut(batches: readonly ColumnBatch[]): Iterable<readonly Piece[]> {
  let pieces: Piece[] = [];
  let rows = 0;
  for (const batch of batches) {
    for (let from = 0; from < batch.rows; ) {
      const to = Math.min(batch.rows, from + rowsPerPage - rows);
      pieces.push({ batch, from, to });
      rows += to - from;
      from = to;
      if (rows < rowsPerPage) continue;
      yield pieces;
      pieces = [];
      rows = 0;
    }
  }
  if (rows > 0) yield pieces;
}

function join(path: string, { name, type, nullable }: Column, pieces: readonly Piece[]): IntValues | TextValues {
  const parts = pieces.map(({ batch, from, to }) => {
    const values = batch.columns[name];
    if (values !== undefined) return values.slice(from, to);
    throw new Error(`${path} has no column ${name}; it has ${Object.keys(batch.columns).join(', ')}.`);
  });
  if (type === 'text' || (nullable && parts.some(Array.isArray))) {
    return (parts as TextValues[]).flatMap((part) => Array.from(part));
  }
  const joined = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts as ArrayLike<number>[]) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
