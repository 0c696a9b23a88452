/** What each role writes, and from what: recorded before it is written (harness/lineage/README.md). */
import type { BackfillRequest, RoleContext } from '../../harness/architecture.js';
import { featureView, onlineTable, sourceFile, storedTable, topic } from '../../harness/lineage/event.js';
import type { Lineage } from '../../harness/lineage/recorder.js';
import { recordsOfJobs } from '../../harness/lineage/table-jobs.js';
import type { Snapshot } from '../../harness/ports/table-store/port.js';
import { rawTable } from './archive.js';
import { batchTable, pointersTable, servedTable, speedTable } from './epochs.js';
import { historyNames, historyTable } from './history.js';
import { featuresTable, masterTables, scoredTable, trainingSetsTable, trainingTable } from './job-tables.js';

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

export const { recordSnapshot, recordScoring, recordServed, recordTrainingSet } = recordsOfJobs({
  features: featuresTable,
  scored: scoredTable,
  training: [trainingTable, trainingSetsTable],
  served: servedTable,
  newest: pointersTable,
});
