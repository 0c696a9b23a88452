/** What each role writes, and from what: recorded before it is written (harness/lineage/README.md). */
import type { BackfillRequest, RoleContext } from '../../harness/architecture.js';
import { type Derivation, featureView, model, sourceFile, topic, warehouseTable } from '../../harness/lineage/event.js';
import type { Lineage } from '../../harness/lineage/recorder.js';
import { untilDone } from '../../harness/ports/retries.js';
import type { FeatureView } from '../../workloads/feature-view.js';
import { modelVersion } from '../../workloads/model.js';
import { viewTables } from '../../workloads/view-sql.js';
import {
  changesTable,
  duplicatesTable,
  historyNames,
  historyTable,
  scoredTable,
  snapshotTable,
  stagedTable,
  trainingSetsTable,
  trainingTable,
} from './tables.js';

const history = historyNames.map((name) => warehouseTable(historyTable(name)));

export async function recordLoader(lineage: Lineage, context: RoleContext, source: string): Promise<void> {
  const { ports, contract } = context;
  const position = await untilDone(context, () => ports.warehouse.position(source));
  const offsets = position ?? new Array<number>(contract.partitions).fill(0);
  await lineage.record(
    { into: [warehouseTable(stagedTable)], from: [topic(contract.topic, offsets)] },
    { into: [warehouseTable(changesTable), warehouseTable(duplicatesTable)], from: [warehouseTable(stagedTable)] },
    {
      into: [warehouseTable(contract.view.name)],
      from: [featureView(contract.view), warehouseTable(changesTable), ...history],
    },
  );
}

export function recordBackfill(lineage: Lineage, files: BackfillRequest['files']): Promise<void> {
  return lineage.record(
    ...historyNames.map((name) => ({ into: [warehouseTable(historyTable(name))], from: [sourceFile(files[name])] })),
  );
}

/** At the start, as the tables are there from then on; what is made of which snapshot or labels is recorded when asked. */
export function recordBatch(lineage: Lineage, { contract: { view } }: RoleContext): Promise<void> {
  return lineage.record(
    { into: [warehouseTable(scoredTable)], from: [model(modelVersion), warehouseTable(view.name)] },
    trainingSetOf(view, []),
  );
}

export async function recordSnapshot(lineage: Lineage, view: FeatureView, id: string): Promise<void> {
  const from = [featureView(view), warehouseTable(view.name)];
  await lineage.recordJob('snapshot', { into: [warehouseTable(snapshotTable(id))], from });
}

export async function recordScoring(lineage: Lineage, snapshot: string): Promise<void> {
  const from = [model(modelVersion), warehouseTable(snapshotTable(snapshot))];
  await lineage.recordJob('score', { into: [warehouseTable(scoredTable)], from });
}

export async function recordTrainingSet(lineage: Lineage, view: FeatureView, labels: readonly string[]): Promise<void> {
  await lineage.recordJob('trainingSet', trainingSetOf(view, labels));
}

function trainingSetOf(view: FeatureView, labels: readonly string[]): Derivation {
  return {
    into: [warehouseTable(trainingTable), warehouseTable(trainingSetsTable)],
    from: [featureView(view), ...viewTables.map(warehouseTable), ...labels.map(sourceFile)],
  };
}
