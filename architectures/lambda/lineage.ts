/** What each role writes, and from what: recorded before it is written (harness/lineage/README.md). */
import type { BackfillRequest, RoleContext, SnapshotRef } from '../../harness/architecture.js';
import {
  type Dataset,
  featureView,
  model,
  onlineTable,
  sourceFile,
  storedTable,
  topic,
} from '../../harness/lineage/event.js';
import type { Lineage } from '../../harness/lineage/recorder.js';
import type { ServedState } from '../../harness/ports/served-state.js';
import type { Snapshot } from '../../harness/ports/table-store/port.js';
import type { FeatureView } from '../../workloads/feature-view.js';
import { rawTable } from './archive.js';
import { batchTable, pointersTable, speedTable } from './epochs.js';
import { historyNames, historyTable } from './history.js';
import {
  featuresTable,
  masterTables,
  scoredTable,
  trainingSetsTable,
  trainingTable,
  type Versions,
} from './job-tables.js';
import { servedTable } from './served-state.js';

/** Merged files are written anew, from those that were there. */
export function recordArchive(lineage: Lineage, { contract }: RoleContext, cut: readonly number[]): Promise<void> {
  return lineage.record({ into: [storedTable(rawTable)], from: [topic(contract.topic, cut), storedTable(rawTable)] });
}

export function recordBackfill(lineage: Lineage, { files }: BackfillRequest): Promise<void> {
  return lineage.record(
    ...historyNames.map((name) => ({ into: [storedTable(historyTable(name))], from: [sourceFile(files[name])] })),
  );
}

/** `sources`: null is history that was not loaded yet. */
export function recordBatchView(
  lineage: Lineage,
  { contract }: RoleContext,
  epoch: number,
  sources: readonly (Snapshot | null)[],
): Promise<void> {
  const stored = sources.flatMap((source) => (source ? [storedTable(source.table, source.version)] : []));
  const from = [featureView(contract.view), ...stored];
  return lineage.record({ into: [onlineTable(batchTable(epoch)), onlineTable(pointersTable)], from });
}

export function recordSpeedView(
  lineage: Lineage,
  { contract }: RoleContext,
  epoch: number,
  offsets: readonly number[],
): Promise<void> {
  const from = [featureView(contract.view), topic(contract.topic, offsets), onlineTable(batchTable(epoch))];
  return lineage.record({ into: [onlineTable(speedTable(epoch)), onlineTable(pointersTable)], from });
}

/** The records of what jobs made; the rows are the jobs' own, each of which is recorded when it is asked for. */
export function recordJobs(lineage: Lineage, { contract: { view } }: RoleContext): Promise<void> {
  const from = [featureView(view), ...Object.values(masterTables).map((table) => storedTable(table))];
  return lineage.record({ into: [storedTable(trainingSetsTable)], from });
}

/** Of a job: the id of the run that its files tell. */
type RunId = Promise<string>;

export function recordSnapshot(lineage: Lineage, view: FeatureView, versions: Versions): RunId {
  return lineage.recordJob('snapshot', {
    into: [storedTable(featuresTable)],
    from: [featureView(view), ...atVersions(versions)],
  });
}

export function recordScoring(lineage: Lineage, snapshot: SnapshotRef): RunId {
  return lineage.recordJob('score', { into: [storedTable(scoredTable)], from: featuresAndModel(snapshot) });
}

const featuresAndModel = ({ modelVersion, tables }: SnapshotRef): Dataset[] => [
  model(modelVersion),
  storedTable(featuresTable, tables[featuresTable]),
];

/** What is served: a snapshot with its model, or the newest state with the model that was published. */
export function recordServed(lineage: Lineage, { pinned, modelVersion }: ServedState): Promise<void> {
  const from = pinned ? featuresAndModel(pinned) : [model(modelVersion), onlineTable(pointersTable)];
  return lineage.record({ into: [onlineTable(servedTable)], from });
}

export function recordTrainingSet(
  lineage: Lineage,
  view: FeatureView,
  versions: Versions,
  labels: readonly string[],
): RunId {
  return lineage.recordJob('trainingSet', {
    into: [storedTable(trainingTable), storedTable(trainingSetsTable)],
    from: [featureView(view), ...atVersions(versions), ...labels.map(sourceFile)],
  });
}

const atVersions = (versions: Versions): Dataset[] =>
  Object.entries(versions).map(([table, version]) => storedTable(table, version));
