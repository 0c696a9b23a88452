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
import type { Warehouse } from '../../harness/ports/warehouse/port.js';
import type { FeatureRow } from '../../workloads/feature-view.js';
import { predictRows } from '../../workloads/model.js';
import { batchOver } from './batch.js';
import { recordBatch } from './lineage.js';
import type { WarehouseParams } from './params.js';
import { changesTable, duplicatesTable } from './tables.js';

export async function runServing(context: RoleContext, params: WarehouseParams): Promise<void> {
  const lineage = openLineage(context, journalInWarehouse(context.ports.warehouse));
  await recordBatch(lineage, context);
  await context.serve({ ...planeOver(context, params), ...batchOver(context, lineage) });
  context.ready();
  await new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve(), { once: true }));
}

function planeOver(context: RoleContext, { readTimeoutUs, failuresUntilOpen }: WarehouseParams): Partial<Plane> {
  const { ports, contract } = context;
  const { warehouse } = ports;
  const circuit = createCircuit(context, { server: 'the warehouse', timeoutUs: readTimeoutUs, failuresUntilOpen });
  const unknown = contract.view.features.map(({ kind }) => (kind === 'count' || kind === 'sum' ? 0 : null));

  const readRows = async (keys: readonly string[]): Promise<FeatureRow[]> => {
    const { asOfUs, rows } = await circuit.run(() => warehouse.read(contract.view.name, keys.map(customerOf)));
    return keys.map((key, i) => ({
      key,
      lastSeq: rows[i]?.lastSeq ?? 0,
      asOfUs,
      features: rows[i]?.features ?? unknown,
    }));
  };

  return {
    lookup: ({ keys }) => readRows(keys),
    predict: async ({ keys }) => predictRows(await readRows(keys)),
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
