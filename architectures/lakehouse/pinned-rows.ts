/**
 * The rows of a snapshot as serving has them while it is rolled back: all of them, in memory, read from the version of the
 * table that the snapshot pins. They do not change any more, so no store of versioned rows is needed for them, and a read
 * waits for nobody.
 */
import type { SnapshotRef } from '../../harness/architecture.js';
import { CallError } from '../../harness/errors.js';
import type { ColumnBatch, IntValues } from '../../harness/ports/columns.js';
import type { TableStore } from '../../harness/ports/table-store/port.js';
import { featureNames } from '../../workloads/batch-rows.js';
import type { FeatureRow } from '../../workloads/feature-view.js';
import { featuresTable } from './batch-tables.js';

export interface PinnedRows {
  /** As it was, and as of when it was. */
  rowOf(key: string): FeatureRow;
}

/** `unknown`: the features of a customer of whom the snapshot knows nothing. */
export async function readPinnedRows(
  tables: TableStore,
  snapshot: SnapshotRef,
  unknown: FeatureRow['features'],
): Promise<PinnedRows> {
  const { id, rows, asOfUs } = snapshot;
  const table = await tables.snapshot(featuresTable, snapshot.tables[featuresTable]);
  const places = new Map<number, number>();
  const lastSeqs = new Float64Array(rows);
  /** In the order of the view; NaN is null. */
  const features = featureNames.map(() => new Float64Array(rows));
  for await (const batch of tables.scan(table, { columns: ['customer', 'last_seq', ...featureNames] })) {
    const at = places.size;
    if (at + batch.rows > rows) throw incomplete(snapshot, table.version, at + batch.rows);
    const customers = batch.columns.customer as IntValues;
    for (let i = 0; i < batch.rows; i++) places.set(customers[i] as number, at + i);
    copy(batch, 'last_seq', lastSeqs, at);
    featureNames.forEach((name, place) => {
      copy(batch, name, features[place] as Float64Array, at);
    });
  }
  if (places.size !== rows) throw incomplete(snapshot, table.version, places.size);

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

  function incomplete(of: SnapshotRef, version: number, found: number): CallError {
    return new CallError(
      'failed',
      `snapshot ${id} has ${of.rows} rows, table ${featuresTable} at version ${version} has ${found}: roll back to another`,
    );
  }
}

function copy({ rows, columns }: ColumnBatch, name: string, into: Float64Array, at: number): void {
  const values = columns[name] as IntValues;
  for (let i = 0; i < rows; i++) into[at + i] = values[i] ?? Number.NaN;
}
