/** What each role writes, and from what: recorded before it is written (harness/lineage/README.md). */
import type { BackfillRequest, RoleContext } from '../../harness/architecture.js';
import { onlineTable, sourceFile, storedTable, topic } from '../../harness/lineage/event.js';
import type { Lineage } from '../../harness/lineage/recorder.js';
import type { Snapshot } from '../../harness/ports/table-store/port.js';
import { rawTable } from './archive.js';
import { batchTable, pointersTable, speedTable } from './epochs.js';
import { historyNames, historyTable } from './history.js';

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
