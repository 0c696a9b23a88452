/** What each role writes, and from what: recorded before it is written (harness/lineage/README.md). */
import type { BackfillRequest, RoleContext } from '../../harness/architecture.js';
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
import type { Snapshot } from '../../harness/ports/table-store/port.js';
import type { FeatureView } from '../../workloads/feature-view.js';
import { modelVersion } from '../../workloads/model.js';
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
export function recordBatchView(lineage: Lineage, epoch: number, sources: readonly (Snapshot | null)[]): Promise<void> {
  const from = sources.flatMap((source) => (source ? [storedTable(source.table, source.version)] : []));
  return lineage.record({ into: [onlineTable(batchTable(epoch)), onlineTable(pointersTable)], from });
}

export function recordSpeedView(
  lineage: Lineage,
  { contract }: RoleContext,
  epoch: number,
  offsets: readonly number[],
): Promise<void> {
  const from = [topic(contract.topic, offsets), onlineTable(batchTable(epoch))];
  return lineage.record({ into: [onlineTable(speedTable(epoch)), onlineTable(pointersTable)], from });
}

/** At the start, as jobs may begin any of their tables; what one makes of which versions is recorded when it is asked. */
export function recordJobs(lineage: Lineage, { contract: { view } }: RoleContext): Promise<void> {
  const from = [featureView(view), ...Object.values(masterTables).map((table) => storedTable(table))];
  return lineage.record(
    { into: [storedTable(featuresTable)], from },
    { into: [storedTable(scoredTable)], from: [model(modelVersion), storedTable(featuresTable)] },
    { into: [storedTable(trainingTable), storedTable(trainingSetsTable)], from },
  );
}

export function recordSnapshot(lineage: Lineage, view: FeatureView, versions: Versions): Promise<void> {
  return lineage.record({ into: [storedTable(featuresTable)], from: [featureView(view), ...atVersions(versions)] });
}

export function recordScoring(lineage: Lineage, featuresVersion: number): Promise<void> {
  const from = [model(modelVersion), storedTable(featuresTable, featuresVersion)];
  return lineage.record({ into: [storedTable(scoredTable)], from });
}

export function recordTrainingSet(
  lineage: Lineage,
  view: FeatureView,
  versions: Versions,
  labels: readonly string[],
): Promise<void> {
  const into = [storedTable(trainingTable), storedTable(trainingSetsTable)];
  return lineage.record({ into, from: [featureView(view), ...atVersions(versions), ...labels.map(sourceFile)] });
}

const atVersions = (versions: Versions): Dataset[] =>
  Object.entries(versions).map(([table, version]) => storedTable(table, version));
