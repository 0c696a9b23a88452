/**
 * Batch work, by SQL over the tables: snapshots of the feature view, scoring, training sets. Nothing is remembered: what
 * a snapshot or a training set is made of is recorded beside it, so that the same request gives the same rows again.
 */
import type {
  CustomerRange,
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
import { journalInTables } from '../../harness/lineage/journal.js';
import { type Lineage, openLineage } from '../../harness/lineage/recorder.js';
import { untilDone } from '../../harness/ports/retries.js';
import { openServedState } from '../../harness/ports/served-state.js';
import { readVersion } from '../../harness/ports/table-store/pages.js';
import type { Relation, TableStore } from '../../harness/ports/table-store/port.js';
import { featureNames, scoredPage, scoredSchema, trainingPage, trainingSchema } from '../../workloads/batch-rows.js';
import { followEventTime } from '../../workloads/event-time.js';
import { labelSchema } from '../../workloads/labels.js';
import { scoreSql } from '../../workloads/model-sql.js';
import { momentsOfCustomers, trainingSql, viewSql } from '../../workloads/view-sql.js';
import {
  createBatchTables,
  featuresTable,
  quarantinedTable,
  readRecord,
  scoredTable,
  snapshotsTable,
  trainingSetsTable,
  trainingTable,
  writeRecord,
} from './batch-tables.js';
import { recordBatch, recordScoring, recordSnapshot, recordTrainingSet } from './lineage.js';
import type { LakehouseParams } from './params.js';
import { reprocess } from './reprocess.js';
import { changesTable, servedTable } from './tables.js';
import { newestVersions, pinTables, relationsAt, type Versions, withoutQuarantined } from './view-relations.js';

/** The share of all customers that is scored by itself, if not all are. */
const usualSlice = 1 / 100;

export async function runBatch(context: RoleContext, params: LakehouseParams): Promise<void> {
  const { tables } = context.ports;
  const time = followEventTime(context.clock, params.clockToleranceUs);
  await untilDone(context, () => createBatchTables(tables));
  const lineage = openLineage(context, journalInTables(tables));
  await recordBatch(lineage, context);
  // Each of them wants all the memory and processor there is, and replaces a table.
  const inTurn = takeTurns();
  await context.serve({
    snapshot: () => inTurn(() => takeSnapshot(context, params, lineage, time)),
    score: (request) => inTurn(() => score(tables, lineage, request)),
    trainingSet: (request) => inTurn(() => makeTrainingSet(tables, lineage, context.contract.view, request)),
    scoredRows: (ref) => readVersion<ScoredRows>(tables, ref, scoredSchema, scoredPage),
    reprocess: (request) => inTurn(() => reprocess(context, lineage, request)),
    trainingRows: (ref) => readVersion<TrainingRow[]>(tables, ref, trainingSchema, trainingPage),
  });
  context.ready();
  const { signal } = context;
  await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

async function takeSnapshot(
  context: RoleContext,
  { snapshotCustomers }: LakehouseParams,
  lineage: Lineage,
  time: ReturnType<typeof followEventTime>,
): Promise<SnapshotRef> {
  const { tables } = context.ports;
  const { customers, view } = context.contract;
  const { modelVersion } = await openServedState(context, servedTable).read();
  const versions = await newestVersions(tables);
  const from = await relationsAt(tables, versions);
  // Windows are evaluated now, never before the latest change that counts.
  const newestUs = await newestCommitUs(from.changes as Relation, tables);
  if (newestUs !== null) time.see(newestUs);
  const asOfUs = time.nowUs();
  // All that its rows are made of: of one id there is one snapshot, and while the source is silent time stands still.
  const id = [asOfUs, view.version, modelVersion, ...Object.values(versions)].join('-');
  await pinTables(tables, `snapshot ${id}`, versions);
  const run = await recordSnapshot(lineage, view, versions);
  let rows = 0;
  let version = 0;
  // In equal parts: what is left over would be a small file.
  const customersAtOnce = Math.ceil(customers / Math.ceil(customers / snapshotCustomers));
  for (let first = 0; first < customers; first += customersAtOnce) {
    const last = Math.min(customers, first + customersAtOnce);
    const derived = await tables.derive({
      into: featuresTable,
      ...withoutQuarantined(
        await relationsAt(tables, versions, { column: 'customer', from: first, to: last }),
        `SELECT * EXCLUDE (row_id) FROM (${viewSql(view, momentsOfCustomers(first, last, asOfUs))})`,
      ),
      mode: first === 0 ? 'replace' : 'append',
      sortBy: ['customer'],
      sliceRows: Math.ceil(customers * usualSlice),
      txns: [],
      run,
    });
    rows += derived.rows;
    version = derived.version;
  }
  const snapshot: SnapshotRef = {
    id,
    asOfUs,
    rows,
    viewVersion: view.version,
    modelVersion,
    tables: { ...versions, [featuresTable]: version },
  };
  await pinTables(tables, `snapshot ${id}`, { [featuresTable]: version });
  await writeRecord(tables, snapshotsTable, snapshot.id, snapshot);
  return snapshot;
}

async function score(
  tables: TableStore,
  lineage: Lineage,
  { snapshot: id, customers }: ScoreRequest,
): Promise<ScoreResult> {
  const snapshot = await readRecord<SnapshotRef>(tables, snapshotsTable, id);
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
  return { table: scoredTable, version, rows, scanned };
}

function whereOf(customers: CustomerRange | undefined) {
  return customers === undefined ? {} : { where: { column: 'customer', ...customers } };
}

/**
 * Of one id always the same rows: a set that is asked for again is made again, of the same versions, but for what was found to
 * be poisoned since.
 */
async function makeTrainingSet(
  tables: TableStore,
  lineage: Lineage,
  view: RoleContext['contract']['view'],
  { id, labels }: TrainingSetRequest,
): Promise<TrainingSetRef> {
  interface Recorded {
    readonly versions: Versions;
    readonly labels: readonly string[];
  }
  const known = await readRecord<Recorded>(tables, trainingSetsTable, id);
  if (known && JSON.stringify(known.labels) !== JSON.stringify(labels))
    throw new CallError('failed', `training set ${id} is of the labels ${known.labels.join(', ')}: choose another id`);
  const newest = await newestVersions(tables);
  const quarantined = newest[quarantinedTable];
  const versions = known
    ? { ...known.versions, ...(quarantined !== undefined && { [quarantinedTable]: quarantined }) }
    : newest;
  await pinTables(tables, `training set ${id}`, versions);
  const run = await recordTrainingSet(lineage, view, versions, labels);
  const { from, sql } = withoutQuarantined(await relationsAt(tables, versions), trainingSql(view));
  const { rows, version } = await tables.derive({
    into: trainingTable,
    from: { ...from, labels: { parquet: labels, schema: labelSchema } },
    sql,
    mode: 'replace',
    sortBy: ['label_id'],
    txns: [],
    run,
  });
  if (!known) await writeRecord(tables, trainingSetsTable, id, { versions, labels } satisfies Recorded);
  return { id, table: trainingTable, version, rows };
}

/** Null: there is no change yet. */
async function newestCommitUs(changes: Relation, tables: TableStore): Promise<number | null> {
  const schema = [{ name: 'newest_us', type: 'int', nullable: true }] as const;
  const sql = 'SELECT max(commit_us)::BIGINT AS newest_us FROM changes';
  for await (const { columns } of tables.query({ from: { [changesTable]: changes }, sql, schema }))
    return columns.newest_us?.[0] === null ? null : Number(columns.newest_us?.[0]);
  return null;
}
