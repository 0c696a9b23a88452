/** What each role writes, and from what: recorded before it is written (harness/lineage/README.md). */
import type { BackfillRequest, RoleContext } from '../../harness/architecture.js';
import { onlineTable, sourceFile, storedTable, topic } from '../../harness/lineage/event.js';
import type { Lineage } from '../../harness/lineage/recorder.js';
import { untilDone } from '../../harness/ports/retries.js';
import { heartbeatTable } from './heartbeat.js';
import { changesTable, currentTable, historyNames, historyTable, rowTable } from './tables.js';

const history = historyNames.map((name) => storedTable(historyTable(name)));

/** A row that the store has lost is rebuilt from the tables. */
export function recordStream(lineage: Lineage, { contract }: RoleContext, offsets: readonly number[]): Promise<void> {
  const changes = topic(contract.topic, offsets);
  return lineage.record(
    { into: [storedTable(changesTable), onlineTable(heartbeatTable)], from: [changes] },
    { into: [onlineTable(rowTable)], from: [changes, storedTable(changesTable), ...history] },
  );
}

export function recordBackfill(lineage: Lineage, files: BackfillRequest['files']): Promise<void> {
  return lineage.record(
    ...historyNames.map((name) => ({ into: [storedTable(historyTable(name))], from: [sourceFile(files[name])] })),
    { into: [onlineTable(rowTable)], from: history },
  );
}

export async function recordCompactor(lineage: Lineage, context: RoleContext): Promise<void> {
  const { tables } = context.ports;
  const from = await Promise.all(
    [changesTable, currentTable].map(async (table) => {
      const { version } = await untilDone(context, () => tables.snapshot(table));
      return storedTable(table, version);
    }),
  );
  // Merged files are written anew, from those that were there.
  await lineage.record(
    { into: [storedTable(changesTable)], from: from.slice(0, 1) },
    { into: [storedTable(currentTable)], from },
  );
}
