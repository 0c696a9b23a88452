/** What the batch half keeps where. All versions stay: a snapshot, a scoring or a training set is one version of these. */
import type { SnapshotRef } from '../../harness/architecture.js';
import type { Schema } from '../../harness/ports/columns.js';
import type { Snapshot, TableStore } from '../../harness/ports/table-store/port.js';
import { featuresSchema, scoredSchema, trainingSchema } from '../../workloads/batch-rows.js';
import { createTables } from './tables.js';

/** The feature view of every customer, as of the snapshot that replaced the one before. */
export const featuresTable = 'features';
export const scoredTable = 'scored';
export const trainingTable = 'training';
/** One row a snapshot: what it was made of. */
export const snapshotsTable = 'snapshots';
/** One row a training set: the versions it is made of, however often it is made. */
export const trainingSetsTable = 'training_sets';

/** Changes that were taken in and count as refused: a row each, with the reason. */
export const quarantinedTable = 'quarantined';

const int = (name: string) => ({ name, type: 'int', nullable: false }) as const;
const text = (name: string) => ({ name, type: 'text', nullable: false }) as const;

const schemas: Readonly<Record<string, Schema>> = {
  [featuresTable]: featuresSchema,
  [scoredTable]: scoredSchema,
  [trainingTable]: trainingSchema,
  [snapshotsTable]: [text('id'), text('record')],
  [trainingSetsTable]: [text('id'), text('record')],
  [quarantinedTable]: [int('customer'), int('seq'), text('reason')],
};

export async function createBatchTables(tables: TableStore): Promise<void> {
  await createTables(tables);
  for (const [table, schema] of Object.entries(schemas)) await tables.create(table, schema);
}

/** What was recorded of `id`; null if nothing was. */
export async function readRecord<T>(tables: TableStore, table: string, id: string): Promise<T | null> {
  for await (const { rows, columns } of tables.scan(await tables.snapshot(table), { columns: ['id', 'record'] })) {
    for (let i = 0; i < rows; i++) if (columns.id?.[i] === id) return JSON.parse(columns.record?.[i] as string) as T;
  }
  return null;
}

/**
 * The snapshot whose rows these are; null: they are no whole one, as its maker died. Commits that change no row, as those that
 * pin a version, come after it.
 */
export async function snapshotOfRows(tables: TableStore, features: Snapshot): Promise<SnapshotRef | null> {
  let newest: { readonly ref: SnapshotRef; readonly version: number } | null = null;
  for await (const { rows, columns } of tables.scan(await tables.snapshot(snapshotsTable), { columns: ['record'] })) {
    for (let i = 0; i < rows; i++) {
      const ref = JSON.parse(columns.record?.[i] as string) as SnapshotRef;
      const version = ref.tables[featuresTable] as number;
      if (version <= features.version && version > (newest?.version ?? -1)) newest = { ref, version };
    }
  }
  if (newest === null || newest.ref.rows !== features.files.reduce((sum, file) => sum + file.rows, 0)) return null;
  for await (const { rows, columns } of tables.scan(features, { columns: ['as_of_us'] }))
    if (rows > 0) return columns.as_of_us?.[0] === newest.ref.asOfUs ? newest.ref : null;
  return newest.ref;
}

/** The first record of an id stays: what it says is never changed. */
export async function writeRecord(tables: TableStore, table: string, id: string, record: unknown): Promise<void> {
  const columns = { id: [id], record: [JSON.stringify(record)] };
  await tables.append(table, { rows: 1, columns }, [{ appId: `lakehouse.${table}/${id}`, version: 1 }]);
}
