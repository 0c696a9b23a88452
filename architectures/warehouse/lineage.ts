/** What each role writes, and from what: recorded before it is written (harness/lineage/README.md). */
import type { BackfillRequest, RoleContext, SnapshotRef } from '../../harness/architecture.js';
import { type Derivation, featureView, model, sourceFile, topic, warehouseTable } from '../../harness/lineage/event.js';
import type { Lineage } from '../../harness/lineage/recorder.js';
import { untilDone } from '../../harness/ports/retries.js';
import type { ServedState } from '../../harness/ports/served-state.js';
import type { FeatureView } from '../../workloads/feature-view.js';
import { viewTables } from '../../workloads/view-sql.js';
import {
  changesTable,
  duplicatesTable,
  historyNames,
  historyTable,
  scoredTable,
  servedStatesTable,
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
export function recordServing(lineage: Lineage, { contract: { view } }: RoleContext): Promise<void> {
  const from = [model(), warehouseTable(view.name)];
  return lineage.record(
    { into: [warehouseTable(scoredTable), warehouseTable(servedStatesTable)], from },
    trainingSetOf(view, []),
  );
}

/** What is served: a snapshot with its model, or the view with the model that was published. */
export function recordServed(
  lineage: Lineage,
  { contract: { view } }: RoleContext,
  { pinned, modelVersion }: ServedState,
): Promise<void> {
  const from = pinned ? snapshotAndModel(pinned) : [model(modelVersion), warehouseTable(view.name)];
  return lineage.record({ into: [warehouseTable(servedStatesTable)], from });
}

const snapshotAndModel = ({ id, modelVersion }: SnapshotRef) => [
  model(modelVersion),
  warehouseTable(snapshotTable(id)),
];

export async function recordSnapshot(lineage: Lineage, view: FeatureView, id: string): Promise<void> {
  const from = [featureView(view), warehouseTable(view.name)];
  await lineage.recordJob('snapshot', { into: [warehouseTable(snapshotTable(id))], from });
}

export async function recordScoring(lineage: Lineage, snapshot: SnapshotRef): Promise<void> {
  await lineage.recordJob('score', { into: [warehouseTable(scoredTable)], from: snapshotAndModel(snapshot) });
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
