/**
 * Batch jobs: what the batch layer computes from the master data when it is asked to. A job is SQL over the archive and
 * the history at versions that are pinned, inside the engine of the tables. It reads neither view: these are rows made for
 * serving, of an epoch that is gone with the next one, while the master data have every change that was ever archived.
 */
import type {
  CustomerRange,
  Plane,
  RoleContext,
  ScoredRows,
  ScoreRequest,
  ScoreResult,
  SnapshotRef,
  TrainingRow,
  TrainingSetRef,
  TrainingSetRequest,
} from '../../harness/architecture.js';
import { takeTurns } from '../../harness/clock.js';
import { CallError } from '../../harness/errors.js';
import type { Lineage } from '../../harness/lineage/recorder.js';
import type { Versions } from '../../harness/lineage/table-jobs.js';
import type { ColumnBatch } from '../../harness/ports/columns.js';
import { openServedState } from '../../harness/ports/served-state.js';
import { readVersion } from '../../harness/ports/table-store/pages.js';
import type { Predicate, Relation, TableStore } from '../../harness/ports/table-store/port.js';
import {
  featureNames,
  featuresSchema,
  scoredPage,
  scoredSchema,
  trainingPage,
  trainingSchema,
} from '../../workloads/batch-rows.js';
import { labelSchema } from '../../workloads/labels.js';
import { scoreSql } from '../../workloads/model-sql.js';
import { pinnedColumns } from '../../workloads/pinned-rows.js';
import { momentsOfCustomers, trainingSql, viewSql } from '../../workloads/view-sql.js';
import { rawTable } from './archive.js';
import { servedTable } from './epochs.js';
import { createHistoryTables } from './history.js';
import {
  featuresTable,
  masterTables,
  scoredTable,
  trainingSetsSchema,
  trainingSetsTable,
  trainingTable,
} from './job-tables.js';
import { recordScoring, recordSnapshot, recordTrainingSet } from './lineage.js';

/**
 * Bounds the memory of a snapshot: its rows are derived so many customers at a time. Many, as the master data lie as they
 * came: each derivation reads all of them.
 */
const customersPerDerivation = 1_000_000;

type Job = 'snapshot' | 'score' | 'trainingSet' | 'scoredRows' | 'trainingRows';

export function jobsOver(context: RoleContext, lineage: Lineage): Pick<Plane, Job> {
  const { tables } = context.ports;
  // Each wants all the memory there is, and replaces a table.
  const inTurn = takeTurns();
  return {
    snapshot: () => inTurn(() => takeSnapshot(context, lineage)),
    score: (request) => inTurn(() => score(tables, lineage, request)),
    trainingSet: (request) => inTurn(() => makeTrainingSet(context, lineage, request)),
    scoredRows: (ref) => readVersion<ScoredRows>(tables, ref, scoredSchema, scoredPage),
    trainingRows: (ref) => readVersion<TrainingRow[]>(tables, ref, trainingSchema, trainingPage),
  };
}

const snapshotPin = (id: string) => `snapshot ${id}`;

/** The moment of a snapshot and the versions of view and model, which its id says; null where it is the id of none. */
function readSnapshotId(id: string) {
  const [asOfUs, viewVersion, modelVersion, ...versions] = /^\d+(-\d+)+$/.test(id) ? id.split('-').map(Number) : [];
  if (asOfUs === undefined || viewVersion === undefined || modelVersion === undefined) return null;
  return { asOfUs, viewVersion, modelVersion, versions };
}

/** By its pin; null: there is none. */
export async function findSnapshot(tables: TableStore, id: string): Promise<SnapshotRef | null> {
  await tables.create(featuresTable, featuresSchema);
  const version = (await tables.pins(featuresTable)).get(snapshotPin(id));
  const said = readSnapshotId(id);
  if (version === undefined || said === null) return null;
  const { files } = await tables.snapshot(featuresTable, version);
  const { versions, ...of } = said;
  const made = Object.fromEntries(Object.values(masterTables).map((table, i) => [table, versions[i] as number]));
  return {
    id,
    ...of,
    rows: files.reduce((sum, file) => sum + file.rows, 0),
    tables: { ...made, [featuresTable]: version },
  };
}

export async function* snapshotRows(tables: TableStore, { tables: versions }: SnapshotRef): AsyncIterable<ColumnBatch> {
  yield* tables.scan(await tables.snapshot(featuresTable, versions[featuresTable]), { columns: pinnedColumns });
}

/** Evaluated like a batch view: at the newest commit in the master data, whatever a clock says. */
async function takeSnapshot(context: RoleContext, lineage: Lineage): Promise<SnapshotRef> {
  const { ports, contract, clock } = context;
  const { tables } = ports;
  const { customers, view } = contract;
  await tables.create(featuresTable, featuresSchema);
  const versions = await newestVersions(context);
  const run = await recordSnapshot(lineage, view, versions);
  const asOfUs = (await newestCommitUs(tables, versions)) ?? clock.nowUs();
  const { modelVersion } = await openServedState(context, servedTable).read();
  // All that it depends on: whoever asks twice gets the same, unless a batch or a compaction came in between.
  const id = [asOfUs, view.version, modelVersion, ...Object.values(versions)].join('-');
  await pinAll(tables, snapshotPin(id), versions);
  let rows = 0;
  let version = 0;
  for (let from = 0; from < customers; from += customersPerDerivation) {
    const to = Math.min(customers, from + customersPerDerivation);
    const derived = await tables.derive({
      into: featuresTable,
      from: await masterData(tables, versions, { from, to }),
      sql: `SELECT * EXCLUDE (row_id) FROM (${viewSql(view, momentsOfCustomers(from, to, asOfUs))})`,
      mode: from === 0 ? 'replace' : 'append',
      sortBy: ['customer'],
      txns: [],
      run,
    });
    rows += derived.rows;
    version = derived.version;
  }
  await tables.pin(featuresTable, snapshotPin(id), version);
  const made = { ...versions, [featuresTable]: version };
  return { id, asOfUs, rows, viewVersion: view.version, modelVersion, tables: made };
}

async function score(
  tables: TableStore,
  lineage: Lineage,
  { snapshot: id, customers }: ScoreRequest,
): Promise<ScoreResult> {
  await tables.create(scoredTable, scoredSchema);
  const snapshot = await findSnapshot(tables, id);
  if (snapshot === null) throw new CallError('failed', `there is no snapshot ${id}: take one first`);
  const pinned = await tables.snapshot(featuresTable, snapshot.tables[featuresTable]);
  const run = await recordScoring(lineage, snapshot);
  const { rows, version, scanned } = await tables.derive({
    into: scoredTable,
    from: { features: { snapshot: pinned, ...whereOf(customers) } },
    sql: `SELECT customer, last_seq, as_of_us, ${scoreSql(featureNames, snapshot.modelVersion)} AS score_ppb FROM features`,
    mode: 'replace',
    txns: [],
    run,
  });
  // What this process read meanwhile was for the archive and the batch view as well.
  return { table: scoredTable, version, rows, scanned: { ...scanned, readBytes: null } };
}

/** What a training set is made of. */
interface Recorded {
  readonly labels: readonly string[];
  readonly versions: Versions;
}

/** Of one id always the same rows: a set that is asked for again is made again, of the same versions. */
async function makeTrainingSet(
  context: RoleContext,
  lineage: Lineage,
  { id, labels }: TrainingSetRequest,
): Promise<TrainingSetRef> {
  const { tables } = context.ports;
  await tables.create(trainingTable, trainingSchema);
  await tables.create(trainingSetsTable, trainingSetsSchema);
  const known = await recordOf(tables, id);
  if (known && JSON.stringify(known.labels) !== JSON.stringify(labels))
    throw new CallError('failed', `training set ${id} is of the labels ${known.labels.join(', ')}: choose another id`);
  const made: Recorded = known ?? { labels, versions: await newestVersions(context) };
  await pinAll(tables, `training set ${id}`, made.versions);
  const run = await recordTrainingSet(lineage, context.contract.view, made.versions, labels);
  const { rows, version } = await tables.derive({
    into: trainingTable,
    from: { ...(await masterData(tables, made.versions)), labels: { parquet: labels, schema: labelSchema } },
    sql: trainingSql(context.contract.view),
    mode: 'replace',
    sortBy: ['label_id'],
    txns: [],
    run,
  });
  if (!known) await writeRecord(tables, id, made);
  return { id, table: trainingTable, version, rows };
}

async function newestVersions(context: RoleContext): Promise<Versions> {
  const { tables } = context.ports;
  await createHistoryTables(tables);
  const versions = Object.values(masterTables).map(
    async (table) => [table, (await tables.snapshot(table)).version] as const,
  );
  return Object.fromEntries(await Promise.all(versions));
}

async function pinAll(tables: TableStore, name: string, versions: Versions): Promise<void> {
  for (const [table, version] of Object.entries(versions)) await tables.pin(table, name, version);
}

async function masterData(
  tables: TableStore,
  versions: Versions,
  customers?: CustomerRange,
): Promise<Record<string, Relation>> {
  const relations = Object.entries(masterTables).map(async ([name, table]): Promise<[string, Relation]> => {
    const snapshot = await tables.snapshot(table, versions[table]);
    return [name, { snapshot, ...whereOf(customers) }];
  });
  return Object.fromEntries(await Promise.all(relations));
}

function whereOf(customers: CustomerRange | undefined): { readonly where?: Predicate } {
  return customers === undefined ? {} : { where: { column: 'customer', ...customers } };
}

/** Null if nothing was archived yet. */
async function newestCommitUs(tables: TableStore, versions: Versions): Promise<number | null> {
  const from = { raw: { snapshot: await tables.snapshot(rawTable, versions[rawTable]) } };
  const schema = [{ name: 'newest_us', type: 'int', nullable: true }] as const;
  for await (const { columns } of tables.query({ from, sql: 'SELECT max(commit_us) AS newest_us FROM raw', schema }))
    return columns.newest_us?.[0] as number | null;
  return null;
}

async function recordOf(tables: TableStore, id: string): Promise<Recorded | null> {
  const wanted = { columns: ['record'], where: { column: 'id', values: [id] } };
  for await (const { columns } of tables.scan(await tables.snapshot(trainingSetsTable), wanted))
    return JSON.parse(columns.record?.[0] as string);
  return null;
}

/** The first record of an id stays. */
async function writeRecord(tables: TableStore, id: string, record: Recorded): Promise<void> {
  const columns = { id: [id], record: [JSON.stringify(record)] };
  await tables.append(trainingSetsTable, { rows: 1, columns }, [{ appId: `lambda.training-set/${id}`, version: 1 }]);
}
