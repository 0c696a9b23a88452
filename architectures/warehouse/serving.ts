/** Answers reads from the materialised features, tells what the tables hold, and has batch work done. */
import {
  type ChangeKey,
  type Inventory,
  type Plane,
  type Quarantined,
  type RoleContext,
  smallFileBytes,
} from '../../harness/architecture.js';
import { journalInWarehouse } from '../../harness/lineage/journal.js';
import { openLineage } from '../../harness/lineage/recorder.js';
import { createCircuit } from '../../harness/ports/circuit.js';
import type { IntValues, TextValues } from '../../harness/ports/columns.js';
import { untilDone } from '../../harness/ports/retries.js';
import { openServing, type Served, type Serving } from '../../harness/ports/served-state.js';
import type { Warehouse } from '../../harness/ports/warehouse/port.js';
import { emptyFeatures, type FeatureRow } from '../../workloads/feature-view.js';
import { predictRows } from '../../workloads/model.js';
import { batchOver, findSnapshot, snapshotRows } from './batch.js';
import { recordServed, recordServing } from './lineage.js';
import type { WarehouseParams } from './params.js';
import { openServedState } from './served-state.js';
import { changesTable, duplicatesTable, servedStatesSchema, servedStatesTable } from './tables.js';

export async function runServing(context: RoleContext, params: WarehouseParams): Promise<void> {
  const { warehouse } = context.ports;
  await untilDone(context, () => warehouse.createTable(servedStatesTable, servedStatesSchema));
  const lineage = openLineage(context, journalInWarehouse(warehouse));
  await recordServing(lineage, context);
  const serving = await openServing(context, {
    register: openServedState(context),
    findSnapshot: (id) => findSnapshot(context, id),
    rowsOf: (snapshot) => snapshotRows(context, snapshot),
    record: (served) => recordServed(lineage, context, served),
  });
  await context.serve({
    ...planeOver(context, params, serving),
    ...serving.operations,
    ...batchOver(context, lineage),
  });
  context.ready();
  await new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve(), { once: true }));
}

function planeOver(
  context: RoleContext,
  { readTimeoutUs, failuresUntilOpen }: WarehouseParams,
  serving: Serving,
): Partial<Plane> {
  const { ports, contract } = context;
  const { warehouse } = ports;
  const circuit = createCircuit(context, { server: 'the warehouse', timeoutUs: readTimeoutUs, failuresUntilOpen });
  const unknown = emptyFeatures(contract.view);

  const readRows = async (keys: readonly string[], { rows: pinned }: Served): Promise<FeatureRow[]> => {
    if (pinned) return keys.map((key) => pinned.rowOf(key));
    const { asOfUs, rows } = await circuit.run(() => warehouse.read(contract.view.name, keys.map(customerOf)));
    return keys.map((key, i) => ({
      key,
      lastSeq: rows[i]?.lastSeq ?? 0,
      asOfUs,
      features: rows[i]?.features ?? unknown,
    }));
  };

  return {
    lookup: ({ keys }) => readRows(keys, serving.now()),
    predict: async ({ keys }) => {
      const from = serving.now();
      return predictRows(await readRows(keys, from), from.modelVersion);
    },
    exportChanges: () => appliedChanges(warehouse),
    quarantine: () => refusedChanges(warehouse),
    inventory: () => takeInventory(warehouse),
    lineage: () => journalInWarehouse(warehouse).events(),
  };
}

function customerOf(key: string): number {
  if (!/^\d{1,15}$/.test(key)) throw new Error(`a key is a customer's id in decimal, not '${key}'`);
  return Number(key);
}

async function* appliedChanges(warehouse: Warehouse): AsyncIterable<readonly ChangeKey[]> {
  for await (const { rows, columns } of warehouse.scan(changesTable, ['customer', 'seq', 'refused'])) {
    const refused = columns.refused as TextValues;
    yield keysOf(rows, columns).filter((_, i) => refused[i] === null);
  }
}

async function* refusedChanges(warehouse: Warehouse): AsyncIterable<readonly Quarantined[]> {
  for await (const { rows, columns } of warehouse.scan(changesTable, ['customer', 'seq', 'refused'])) {
    const refused = columns.refused as TextValues;
    yield keysOf(rows, columns).flatMap((key, i) => (refused[i] === null ? [] : [{ ...key, reason: refused[i]! }]));
  }
  for await (const { rows, columns } of warehouse.scan(duplicatesTable, ['customer', 'seq'])) {
    yield keysOf(rows, columns).map((key) => ({ ...key, reason: 'duplicate' }));
  }
}

function keysOf(rows: number, columns: Readonly<Record<string, IntValues | TextValues>>): ChangeKey[] {
  const customers = columns.customer as Float64Array;
  const seqs = columns.seq as Float64Array;
  return Array.from({ length: rows }, (_, i) => ({ customer: customers[i]!, seq: seqs[i]! }));
}

async function takeInventory(warehouse: Warehouse): Promise<Inventory> {
  const { fileBytes, rows } = await warehouse.inventory();
  return {
    files: fileBytes.length,
    bytes: fileBytes.reduce((sum, bytes) => sum + bytes, 0),
    rows,
    smallFiles: fileBytes.filter((bytes) => bytes < smallFileBytes).length,
    smallFileBytes,
  };
}
