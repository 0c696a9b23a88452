/** What the loader writes, and from what: recorded before it is written (harness/lineage/README.md). */
import type { BackfillRequest, RoleContext } from '../../harness/architecture.js';
import { sourceFile, topic, warehouseTable } from '../../harness/lineage/event.js';
import type { Lineage } from '../../harness/lineage/recorder.js';
import { untilDone } from '../../harness/ports/retries.js';
import { changesTable, duplicatesTable, historyNames, historyTable, stagedTable } from './tables.js';

const history = historyNames.map((name) => warehouseTable(historyTable(name)));

export async function recordLoader(lineage: Lineage, context: RoleContext, source: string): Promise<void> {
  const { ports, contract } = context;
  const position = await untilDone(context, () => ports.warehouse.position(source));
  const offsets = position ?? new Array<number>(contract.partitions).fill(0);
  await lineage.record(
    { into: [warehouseTable(stagedTable)], from: [topic(contract.topic, offsets)] },
    { into: [warehouseTable(changesTable), warehouseTable(duplicatesTable)], from: [warehouseTable(stagedTable)] },
    { into: [warehouseTable(contract.view.name)], from: [warehouseTable(changesTable), ...history] },
  );
}

export function recordBackfill(lineage: Lineage, files: BackfillRequest['files']): Promise<void> {
  return lineage.record(
    ...historyNames.map((name) => ({ into: [warehouseTable(historyTable(name))], from: [sourceFile(files[name])] })),
  );
}
