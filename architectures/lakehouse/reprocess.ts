/**
 * Changes that turned out to be poisoned, after they were taken in: they count as refused from then on, and the rows that
 * were made of them are made again, each of its own moment. Which tables were made of them is asked of the lineage, which
 * rows of the moments that the rows carry; files without such a row stay as they are.
 */
import type {
  ChangeKey,
  ReprocessedAsset,
  ReprocessRequest,
  ReprocessResult,
  RoleContext,
  SnapshotRef,
} from '../../harness/architecture.js';
import { downstreamOf, inputVersion } from '../../harness/lineage/downstream.js';
import { namespaces, type OpenLineageEvent, storedTable } from '../../harness/lineage/event.js';
import { journalInTables } from '../../harness/lineage/journal.js';
import type { Lineage } from '../../harness/lineage/recorder.js';
import type { ColumnBatch, Schema } from '../../harness/ports/columns.js';
import type { TableStore } from '../../harness/ports/table-store/port.js';
import { featureNames, featuresSchema, scoredSchema, trainingSchema } from '../../workloads/batch-rows.js';
import { scoreSql } from '../../workloads/model-sql.js';
import { viewSql } from '../../workloads/view-sql.js';
import {
  featuresTable,
  quarantinedTable,
  scoredTable,
  snapshotOfRows,
  snapshotsTable,
  trainingTable,
  writeRecord,
} from './batch-tables.js';
import { recordReprocessing } from './lineage.js';
import { changesTable } from './tables.js';
import { newestVersions, pinTables, relationsAt, type Versions, withoutQuarantined } from './view-relations.js';

/** How the rows of a derived table follow from moments. */
interface Recipe {
  readonly table: string;
  readonly key: string;
  readonly schema: Schema;
  /** What a moment has beside (row_id, customer, last_seq, as_of_us). */
  readonly labels: readonly string[];
  /** The columns, of the features at these moments. */
  columns(modelVersion: number | null): string;
}

const recipes: readonly Recipe[] = [
  {
    table: featuresTable,
    key: 'customer',
    schema: featuresSchema,
    labels: [],
    columns: () => '* EXCLUDE (row_id)',
  },
  {
    table: trainingTable,
    key: 'label_id',
    schema: trainingSchema,
    labels: ['label_us', 'label'],
    columns: () => 'row_id AS label_id, * EXCLUDE (row_id)',
  },
  {
    table: scoredTable,
    key: 'customer',
    schema: scoredSchema,
    labels: [],
    columns: (version) => `customer, last_seq, as_of_us, ${scoreSql(featureNames, version as number)} AS score_ppb`,
  },
];

/** The list of what is quarantined is made of nothing but what was found. */
const accountedFor = new Set([...recipes.map(({ table }) => table), quarantinedTable]);

export async function reprocess(
  context: RoleContext,
  lineage: Lineage,
  { poisoned }: ReprocessRequest,
): Promise<ReprocessResult> {
  const { tables } = context.ports;
  await quarantine(tables, poisoned);
  const events = await journalInTables(tables).events();
  const made = downstreamOf(events, storedTable(changesTable));
  const isMade = (table: string) =>
    made.some(({ namespace, name }) => namespace === namespaces.tables && name === table);
  const versions = await newestVersions(tables);
  const assets: ReprocessedAsset[] = [];
  for (const recipe of recipes.filter(({ table }) => isMade(table))) {
    const asset = await recompute(context, lineage, { recipe, poisoned, events, versions });
    if (asset) assets.push(asset);
  }
  const features = assets.find(({ table }) => table === featuresTable);
  return {
    assets,
    snapshot: features ? await renewSnapshot(tables, features, versions) : null,
    // In no order of its own: roles that begin together are on the record in any.
    untouched: made
      .map(({ name }) => name)
      .filter((name) => !accountedFor.has(name))
      .sort(),
  };
}

/** Once, however often it is asked for. */
async function quarantine(tables: TableStore, poisoned: readonly ChangeKey[]): Promise<void> {
  const columns = {
    customer: poisoned.map(({ customer }) => customer),
    seq: poisoned.map(({ seq }) => seq),
    reason: poisoned.map(() => 'poisoned'),
  };
  const appId = `lakehouse.${quarantinedTable}/${poisoned.map(({ customer, seq }) => `${customer}-${seq}`).join()}`;
  await tables.append(quarantinedTable, { rows: poisoned.length, columns }, [{ appId, version: 1 }]);
}

/** Null: no row of it is of a moment after a poisoned change. */
async function recompute(
  { ports: { tables }, contract: { view } }: RoleContext,
  lineage: Lineage,
  of: {
    readonly recipe: Recipe;
    readonly poisoned: readonly ChangeKey[];
    readonly events: readonly OpenLineageEvent[];
    readonly versions: Versions;
  },
): Promise<ReprocessedAsset | null> {
  const { recipe, poisoned, events, versions } = of;
  const { table, key, schema, labels } = recipe;
  const before = await tables.snapshot(table);
  if (before.files.length === 0) return null;
  const firstOf = new Map<number, number>();
  for (const { customer, seq } of poisoned) firstOf.set(customer, Math.min(seq, firstOf.get(customer) ?? seq));
  const where = { column: 'customer', values: Array.from(firstOf.keys()) };
  const modelVersion = inputVersion(events, before.files[0]?.run ?? null, namespaces.models);
  const firsts = Array.from(firstOf, ([customer, seq]) => `(${customer}, ${seq})`).join(', ');
  const moments = `
    SELECT ${[`${key} AS row_id`, 'customer', 'last_seq', 'as_of_us', ...labels].join(', ')}
    FROM asset JOIN (VALUES ${firsts}) AS poison (customer, first_seq) USING (customer) WHERE last_seq >= first_seq`;
  const { from, sql } = withoutQuarantined(
    await relationsAt(tables, versions, where),
    `SELECT ${recipe.columns(modelVersion)} FROM (${viewSql(view, moments)})`,
  );
  const made = tables.query({ from: { ...from, asset: { snapshot: before, where } }, sql, schema });
  const rows = await together(made, schema);
  if (rows.rows === 0) return null;
  const run = await recordReprocessing(lineage, view, { table, version: before.version, modelVersion }, versions);
  const { version } = await tables.upsert(table, rows, { key: [key], txns: [], run });
  const kept = new Set((await tables.snapshot(table, version)).files.map(({ path }) => path));
  return {
    table,
    fromVersion: before.version,
    version,
    recomputedRows: rows.rows,
    rows: before.files.reduce((sum, file) => sum + file.rows, 0),
    rewrittenFiles: before.files.filter(({ path }) => !kept.has(path)).length,
    files: before.files.length,
  };
}

/** As one batch: what is made again is small, and written in one commit. */
async function together(batches: AsyncIterable<ColumnBatch>, schema: Schema): Promise<ColumnBatch> {
  const columns: Record<string, (number | string | null)[]> = Object.fromEntries(schema.map(({ name }) => [name, []]));
  let rows = 0;
  for await (const batch of batches) {
    rows += batch.rows;
    for (const { name } of schema)
      for (let i = 0; i < batch.rows; i++) columns[name]?.push(batch.columns[name]?.[i] as number | string | null);
  }
  return { rows, columns: columns as ColumnBatch['columns'] };
}

/** The snapshot whose rows these were, with those that they are now. */
async function renewSnapshot(
  tables: TableStore,
  { fromVersion, version }: ReprocessedAsset,
  versions: Versions,
): Promise<SnapshotRef | null> {
  const old = await snapshotOfRows(tables, await tables.snapshot(featuresTable, fromVersion));
  if (old === null) return null;
  const made = { ...versions, [featuresTable]: version };
  const snapshot: SnapshotRef = { ...old, id: `${old.id}-${version}`, tables: made };
  await pinTables(tables, `snapshot ${snapshot.id}`, made);
  await writeRecord(tables, snapshotsTable, snapshot.id, snapshot);
  return snapshot;
}
