/**
 * Batch work, all of it by SQL inside the warehouse: no row passes through this process but those that are asked for.
 * A warehouse has no versions of a table to go back to, so what has to stay is copied (a snapshot), kept under a number
 * (a scoring, a training set), or told by how far a table had grown, as changes and history are only ever added to.
 */
import type {
  Plane,
  RoleContext,
  ScoredRows,
  ScoreRequest,
  ScoreResult,
  SnapshotRef,
  TableRef,
  TrainingRow,
  TrainingSetRef,
  TrainingSetRequest,
} from '../../harness/architecture.js';
import { CallError } from '../../harness/errors.js';
import type { Lineage } from '../../harness/lineage/recorder.js';
import type { ColumnBatch, Schema } from '../../harness/ports/columns.js';
import type { Relation, Warehouse } from '../../harness/ports/warehouse/port.js';
import {
  featureNames,
  featuresSchema,
  scoredPage,
  scoredSchema,
  trainingPage,
  trainingSchema,
} from '../../workloads/batch-rows.js';
import type { DataContract } from '../../workloads/data-contract.js';
import { isAdditive } from '../../workloads/feature-view.js';
import { labelSchema } from '../../workloads/labels.js';
import { scoreSql } from '../../workloads/model-sql.js';
import { pinnedColumns } from '../../workloads/pinned-rows.js';
import { trainingSql, viewTables } from '../../workloads/view-sql.js';
import { recordScoring, recordSnapshot, recordTrainingSet } from './lineage.js';
import { nextOf } from './positions.js';
import { openServedState } from './served-state.js';
import { scoredTable, snapshotSchema, snapshotTable, trainingSetsTable, trainingTable } from './tables.js';

type BatchOperation = 'snapshot' | 'score' | 'trainingSet' | 'scoredRows' | 'trainingRows';

export function batchOver(context: RoleContext, lineage: Lineage): Pick<Plane, BatchOperation> {
  const { contract } = context;
  const { warehouse } = context.ports;
  return {
    snapshot: () => takeSnapshot(context, lineage),
    score: (request) => score(context, lineage, request),
    trainingSet: (request) => makeTrainingSet(warehouse, lineage, contract, request),
    scoredRows: (request) => readScored(warehouse, request),
    trainingRows: (request) => readTraining(warehouse, request),
  };
}

const snapshotsMade = 'snapshots';

/** A copy of the view as it was last refreshed, with a row for customers of whom it knows nothing. */
async function takeSnapshot(context: RoleContext, lineage: Lineage): Promise<SnapshotRef> {
  const { warehouse } = context.ports;
  const { customers, view } = context.contract;
  const { modelVersion } = await openServedState(context).read();
  const next = await nextOf(warehouse, snapshotsMade);
  const id = String(next.number);
  const table = snapshotTable(id);
  await recordSnapshot(lineage, view, id);
  await warehouse.createTable(table, snapshotSchema);
  const features = view.features.map((feature) =>
    isAdditive(feature) ? `coalesce(${feature.name}, 0) AS ${feature.name}` : feature.name,
  );
  const sql = `
    SELECT customer, coalesce(last_seq, 0) AS last_seq, view_as_of_us AS as_of_us, ${features.join(', ')},
      ${view.version} AS view_version, ${modelVersion} AS model_version
    FROM (SELECT range AS customer FROM range(0, ${customers}))
    LEFT JOIN served USING (customer), (SELECT coalesce(max(as_of_us), 0) AS view_as_of_us FROM served)
    ORDER BY customer`;
  await warehouse.insert(table, { from: { served: { view } }, sql }, next);
  return (await findSnapshot(context, id)) as SnapshotRef;
}

/** Null: there is none. */
export async function findSnapshot({ ports, contract }: RoleContext, id: string): Promise<SnapshotRef | null> {
  const { warehouse } = ports;
  const taken = (await warehouse.position(snapshotsMade))?.[0] ?? 0;
  if (!/^[1-9]\d*$/.test(id) || Number(id) > taken) return null;
  const table = snapshotTable(id);
  const sql = `SELECT count(*) AS n, min(as_of_us) AS a, min(view_version) AS v, min(model_version) AS m FROM taken`;
  const told = await askForRow(warehouse, { taken: { table } }, sql, ['n', 'a', 'v', 'm']);
  const [rows, asOfUs, viewVersion, modelVersion] = told as [number, number, number, number];
  const tables = { [contract.view.name]: asOfUs, [table]: Number(id) };
  return { id, asOfUs, rows, viewVersion, modelVersion, tables };
}

export function snapshotRows({ ports: { warehouse } }: RoleContext, { id }: SnapshotRef): AsyncIterable<ColumnBatch> {
  const sql = `SELECT ${pinnedColumns.join(', ')} FROM taken`;
  const schema = featuresSchema.filter(({ name }) => pinnedColumns.includes(name));
  return warehouse.query({ from: { taken: { table: snapshotTable(id) } }, sql }, schema);
}

async function score(
  context: RoleContext,
  lineage: Lineage,
  { snapshot: id, customers }: ScoreRequest,
): Promise<ScoreResult> {
  const { warehouse } = context.ports;
  const snapshot = await findSnapshot(context, id);
  if (snapshot === null) throw new CallError('failed', `there is no snapshot ${id}: take one first`);
  const features: Relation = { table: snapshotTable(id) };
  await recordScoring(lineage, snapshot);
  const next = await nextOf(warehouse, scoredTable);
  const asked = customers ? `WHERE customer >= ${customers.from} AND customer < ${customers.to}` : '';
  const sql = `
    SELECT ${next.number} AS version, customer, last_seq, as_of_us, ${scoreSql(featureNames, snapshot.modelVersion)} AS score_ppb
    FROM features ${asked}`;
  const { rows } = await warehouse.insert(scoredTable, { from: { features }, sql }, next);
  return { table: scoredTable, version: next.number, rows, scanned: null };
}

/** What a training set is made of: labels, and how many rows of each table there were. */
interface Recorded {
  readonly labels: readonly string[];
  readonly rows: Readonly<Record<string, number>>;
}

/** Of one id always the same rows: a set that is asked for again is made again, of what there was the first time. */
async function makeTrainingSet(
  warehouse: Warehouse,
  lineage: Lineage,
  { view }: DataContract,
  { id, labels }: TrainingSetRequest,
): Promise<TrainingSetRef> {
  const known = await recordOf(warehouse, id);
  if (known && JSON.stringify(known.labels) !== JSON.stringify(labels))
    throw new CallError('failed', `training set ${id} is of the labels ${known.labels.join(', ')}: choose another id`);
  const made: Recorded = known ?? { labels, rows: await countRows(warehouse) };
  const stored = Object.entries(made.rows).map(([table, rows]): [string, Relation] => [table, { table, rows }]);
  const from = { ...Object.fromEntries(stored), labels: { parquet: labels, schema: labelSchema } };
  await recordTrainingSet(lineage, view, labels);
  const next = await nextOf(warehouse, trainingTable);
  const sql = `SELECT ${next.number} AS version, * FROM (${trainingSql(view)}) ORDER BY label_id`;
  const { rows } = await warehouse.insert(trainingTable, { from, sql }, next);
  if (!known) await writeRecord(warehouse, id, made);
  return { id, table: trainingTable, version: next.number, rows };
}

/** Of all at one moment. */
async function countRows(warehouse: Warehouse): Promise<Recorded['rows']> {
  const from = Object.fromEntries(viewTables.map((table) => [table, { table }]));
  const counts = viewTables.map((table) => `(SELECT count(*) FROM ${table}) AS ${table}`);
  const rows = await askForRow(warehouse, from, `SELECT ${counts.join(', ')}`, viewTables);
  return Object.fromEntries(viewTables.map((table, i) => [table, rows[i] as number]));
}

async function recordOf(warehouse: Warehouse, id: string): Promise<Recorded | null> {
  for await (const { rows, columns } of warehouse.scan(trainingSetsTable, ['id', 'record']))
    for (let i = 0; i < rows; i++) if (columns.id?.[i] === id) return JSON.parse(columns.record?.[i] as string);
  return null;
}

/** The first record of an id stays. */
async function writeRecord(warehouse: Warehouse, id: string, record: Recorded): Promise<void> {
  const columns = { id: [id], record: [JSON.stringify(record)] };
  await warehouse.stage(trainingSetsTable, { rows: 1, columns }, { source: `training set ${id}`, from: null, to: [1] });
}

const readScored = (warehouse: Warehouse, ref: TableRef): AsyncIterable<ScoredRows> =>
  readVersion(warehouse, ref, scoredSchema, scoredPage);
const readTraining = (warehouse: Warehouse, ref: TableRef): AsyncIterable<TrainingRow[]> =>
  readVersion(warehouse, ref, trainingSchema, trainingPage);

async function* readVersion<Page>(
  warehouse: Warehouse,
  { table, version }: TableRef,
  schema: Schema,
  pageOf: (batch: ColumnBatch) => Page,
): AsyncIterable<Page> {
  const sql = `SELECT * EXCLUDE (version) FROM made WHERE version = ${Number(version)}`;
  for await (const batch of warehouse.query({ from: { made: { table } }, sql }, schema)) yield pageOf(batch);
}

/** Integers of the one row that is answered. */
async function askForRow(
  warehouse: Warehouse,
  from: Readonly<Record<string, Relation>>,
  sql: string,
  names: readonly string[],
): Promise<(number | undefined)[]> {
  const schema = names.map((name) => ({ name, type: 'int', nullable: true }) as const);
  for await (const { columns } of warehouse.query({ from, sql }, schema))
    return names.map((name) => (columns[name]?.[0] as number | null) ?? undefined);
  return [];
}
