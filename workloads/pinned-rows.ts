/**
 * The rows of a snapshot as whoever serves has them while it is rolled back: all of them, in memory. They do not change
 * any more, so no store of versioned rows is needed for them, and a read waits for nobody.
 */
import { CallError } from '../harness/errors.js';
import type { ColumnBatch, IntValues } from '../harness/ports/columns.js';
import { featureNames } from './batch-rows.js';
import { customerActivity, emptyFeatures, type FeatureRow } from './feature-view.js';

export interface PinnedRows {
  /** As it was, and as of when it was; of a customer of whom the snapshot knows nothing, zeros and nulls. */
  rowOf(key: string): FeatureRow;
}

export const pinnedColumns = ['customer', 'last_seq', ...featureNames];

/** `batches`: of `pinnedColumns`, `rows` rows in all. */
export async function collectPinnedRows(
  batches: AsyncIterable<ColumnBatch>,
  { id, rows, asOfUs }: { readonly id: string; readonly rows: number; readonly asOfUs: number },
): Promise<PinnedRows> {
  const places = new Map<number, number>();
  const lastSeqs = new Float64Array(rows);
  /** In the order of the view; NaN is null. */
  const features = featureNames.map(() => new Float64Array(rows));
  for await (const batch of batches) {
    const at = places.size;
    if (at + batch.rows > rows) throw incomplete(at + batch.rows);
    const customers = batch.columns.customer as IntValues;
    for (let i = 0; i < batch.rows; i++) places.set(customers[i] as number, at + i);
    copy(batch, 'last_seq', lastSeqs, at);
    featureNames.forEach((name, place) => {
      copy(batch, name, features[place] as Float64Array, at);
    });
  }
  if (places.size !== rows) throw incomplete(places.size);

  return {
    rowOf(key) {
      const customer = Number(key);
      const place = String(customer) === key ? places.get(customer) : undefined;
      if (place === undefined) return { key, lastSeq: 0, asOfUs, features: unknown };
      const values = features.map((column) => {
        const value = column[place] as number;
        return Number.isNaN(value) ? null : value;
      });
      return { key, lastSeq: lastSeqs[place] as number, asOfUs, features: values };
    },
  };

  function incomplete(found: number): CallError {
    return new CallError('failed', `snapshot ${id} has ${rows} rows, its table has ${found}: roll back to another`);
  }
}

const unknown = emptyFeatures(customerActivity);

function copy({ rows, columns }: ColumnBatch, name: string, into: Float64Array, at: number): void {
  const values = columns[name] as IntValues;
  for (let i = 0; i < rows; i++) into[at + i] = values[i] ?? Number.NaN;
}
