/** What each role writes, and from what: recorded before it is written (harness/lineage/README.md). */
import type { BackfillRequest, RoleContext } from '../../harness/architecture.js';
import { featureView, model, onlineTable, sourceFile, storedTable, topic } from '../../harness/lineage/event.js';
import { lineageTable } from '../../harness/lineage/journal.js';
import type { Lineage } from '../../harness/lineage/recorder.js';
import { atVersions, type RunId, recordsOfJobs, type Versions } from '../../harness/lineage/table-jobs.js';
import { untilDone } from '../../harness/ports/retries.js';
import type { FeatureView } from '../../workloads/feature-view.js';
import { viewTables } from '../../workloads/view-sql.js';
import {
  featuresTable,
  quarantinedTable,
  scoredTable,
  snapshotsTable,
  trainingSetsTable,
  trainingTable,
} from './batch-tables.js';
import { heartbeatTable } from './heartbeat.js';
import { changesTable, currentTable, historyNames, historyTable, rowTable, servedTable } from './tables.js';

const history = historyNames.map((name) => storedTable(historyTable(name)));

/** A row that the store has lost is rebuilt from the tables. */
export function recordStream(lineage: Lineage, { contract }: RoleContext, offsets: readonly number[]): Promise<void> {
  const changes = topic(contract.topic, offsets);
  return lineage.record(
    { into: [storedTable(changesTable), onlineTable(heartbeatTable)], from: [changes] },
    {
      into: [onlineTable(rowTable)],
      from: [featureView(contract.view), changes, storedTable(changesTable), ...history],
    },
  );
}

export function recordBackfill(
  lineage: Lineage,
  { contract }: RoleContext,
  files: BackfillRequest['files'],
): Promise<void> {
  return lineage.record(
    ...historyNames.map((name) => ({ into: [storedTable(historyTable(name))], from: [sourceFile(files[name])] })),
    { into: [onlineTable(rowTable)], from: [featureView(contract.view), ...history] },
  );
}

/** Merged files are written anew, from those that were there; some tables are begun later, by others. */
export async function recordCompactor(
  lineage: Lineage,
  context: RoleContext,
  compacted: readonly string[],
): Promise<void> {
  const { tables } = context.ports;
  const from = await Promise.all(
    [changesTable, currentTable].map(async (table) => {
      const { version } = await untilDone(context, () => tables.snapshot(table));
      return storedTable(table, version);
    }),
  );
  const others = compacted.filter((table) => ![changesTable, currentTable, lineageTable].includes(table));
  await lineage.record(
    { into: [storedTable(changesTable)], from: from.slice(0, 1) },
    { into: [storedTable(currentTable)], from },
    ...others.map((table) => ({ into: [storedTable(table)], from: [storedTable(table)] })),
  );
}

/** The records of what jobs made; the rows are the jobs' own, each of which is recorded when it is asked for. */
export function recordBatch(lineage: Lineage, { contract: { view } }: RoleContext): Promise<void> {
  const facts = viewTables.map((table) => storedTable(table));
  const into = [storedTable(snapshotsTable), storedTable(trainingSetsTable)];
  return lineage.record(
    { into, from: [featureView(view), ...facts] },
    { into: [storedTable(quarantinedTable)], from: [storedTable(changesTable)] },
  );
}

/** Rows of a table made again, of the moments that they have in `version`. */
export function recordReprocessing(
  lineage: Lineage,
  view: FeatureView,
  { table, version, modelVersion }: { table: string; version: number; modelVersion: number | null },
  versions: Versions,
): RunId {
  return lineage.recordJob('reprocess', {
    into: [storedTable(table)],
    from: [
      ...(modelVersion === null ? [] : [model(modelVersion)]),
      featureView(view),
      storedTable(table, version),
      ...atVersions(versions),
    ],
  });
}

export const { recordSnapshot, recordScoring, recordServed, recordTrainingSet } = recordsOfJobs({
  features: featuresTable,
  scored: scoredTable,
  training: [trainingTable],
  served: servedTable,
  newest: rowTable,
});
