/**
 * Serving: evaluates rows of the online store at the moment of the read, so windows never stand still, or answers the rows
 * of the snapshot to which it was rolled back; and tells from the tables what the plane holds and what it refused.
 */
import {
  type ChangeKey,
  type Inventory,
  type Quarantined,
  type RoleContext,
  type SnapshotRef,
  smallFileBytes,
} from '../../harness/architecture.js';
import { CallError } from '../../harness/errors.js';
import { journalInTables } from '../../harness/lineage/journal.js';
import { openLineage } from '../../harness/lineage/recorder.js';
import { createCircuit } from '../../harness/ports/circuit.js';
import type { ColumnBatch, IntValues, TextValues } from '../../harness/ports/columns.js';
import { openServedState, openServing, type Served } from '../../harness/ports/served-state.js';
import { openServedTime } from '../../harness/ports/served-time.js';
import type { TableStore } from '../../harness/ports/table-store/port.js';
import { createAgeing } from '../../workloads/ageing.js';
import type { FeatureRow } from '../../workloads/feature-view.js';
import { predictRows } from '../../workloads/model.js';
import { pinnedColumns } from '../../workloads/pinned-rows.js';
import { featuresTable, quarantinedTable, readRecord, snapshotsTable } from './batch-tables.js';
import { newRow } from './customer-rows.js';
import { createState } from './customer-state.js';
import { createEvaluation } from './evaluation.js';
import { heartbeatTable, readHeartbeat } from './heartbeat.js';
import { recordServed } from './lineage.js';
import type { LakehouseParams } from './params.js';
import { type CachedRow, createRowCache } from './row-cache.js';
import { decodeState } from './row-codec.js';
import { changesTable, servedTable } from './tables.js';

/** Of the cache's time to live: while the plane is behind, whoever waits for its news is not made to wait for the cache too. */
const shareWhileBehind = 0.2;

export async function runServing(context: RoleContext, params: LakehouseParams): Promise<void> {
  const { ports, clock, contract, signal } = context;
  const { onlineStore } = ports;
  const { storeTimeoutUs: timeoutUs, failuresUntilOpen } = params;
  const circuit = createCircuit(context, { server: 'the online store', timeoutUs, failuresUntilOpen });
  const cache = createRowCache({
    store: { get: (table, keys) => circuit.run(() => onlineStore.get(table, keys)) },
    clock,
    ttlUs: () => (isBehind() ? Math.round(params.cacheTtlUs * shareWhileBehind) : params.cacheTtlUs),
    capacity: params.cachedRows,
  });
  const evaluate = createEvaluation(contract.view);
  const age = createAgeing(contract.view);
  const state = createState();
  const time = await openServedTime(context, {
    store: onlineStore,
    table: heartbeatTable,
    toleranceUs: params.clockToleranceUs,
  });
  /** When the newest change was emitted that an answer has had in it. */
  let newestUs = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | null = null;
  const lineage = openLineage(context, journalInTables(ports.tables));
  const { now: servedNow, operations: switches } = await openServing(context, {
    register: openServedState(context, servedTable),
    findSnapshot: (id) => readRecord<SnapshotRef>(ports.tables, snapshotsTable, id),
    rowsOf: (snapshot) => rowsOf(ports.tables, snapshot),
    record: (served) => recordServed(lineage, served),
  });

  /** Older than the cache and its use explain: the stream is down, or the source is silent. */
  function isBehind(): boolean {
    return clock.nowUs() - newestUs > 2 * params.cacheTtlUs;
  }

  function see(latestUs: number): void {
    newestUs = Math.max(newestUs, latestUs);
    time.see(latestUs);
  }

  /** At most once at a time. A store that does not answer leaves the doubt, and time stands still. */
  function askForTime(): Promise<void> {
    asking ??= circuit
      .run(() => readHeartbeat(onlineStore))
      .then((newestUs) => time.see(newestUs ?? 0), ignoreFailedCall)
      .finally(() => {
        asking = null;
      });
    return asking;
  }

  async function readRows(keys: readonly string[], { rows: pinned }: Served): Promise<FeatureRow[]> {
    if (pinned) return keys.map((key) => pinned.rowOf(key));
    const rows = await cache.get(keys);
    if (time.isInDoubt()) await askForTime();
    return keys.map((key, i) => answer(key, rows[i] ?? { value: newRow, answered: null }));
  }

  /** Whoever reads often finds most rows unchanged: those are not decoded again before the next tile begins. */
  function answer(key: string, row: CachedRow): FeatureRow {
    if (row.answered) {
      const { lastSeq, latestUs } = row.answered;
      see(latestUs);
      const asOfUs = time.nowUs();
      const features = age(row.answered, asOfUs);
      if (features) return { key, lastSeq, asOfUs, features };
    }
    decodeState(row.value, state);
    const { lastSeq, latestUs } = state;
    see(latestUs);
    const asOfUs = time.nowUs();
    const features = evaluate(state, asOfUs);
    row.answered = { lastSeq, latestUs, asOfUs, features };
    return { key, lastSeq, asOfUs, features };
  }

  await context.serve({
    lookup: ({ keys }) => readRows(keys, servedNow()),
    predict: async ({ keys }) => {
      const from = servedNow();
      return predictRows(await readRows(keys, from), from.modelVersion);
    },
    ...switches,
    exportChanges: () => exportChanges(ports.tables),
    quarantine: () => listRefused(ports.tables),
    inventory: () => takeInventory(ports.tables),
    lineage: () => journalInTables(ports.tables).events(),
  });
  context.ready();
  await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

function ignoreFailedCall(error: unknown): void {
  if (!(error instanceof CallError)) throw error;
}

async function* rowsOf(tables: TableStore, { tables: versions }: SnapshotRef): AsyncIterable<ColumnBatch> {
  yield* tables.scan(await tables.snapshot(featuresTable, versions[featuresTable]), { columns: pinnedColumns });
}

/** Every change that was not refused, as often as the table has it. */
async function* exportChanges(tables: TableStore): AsyncIterable<ChangeKey[]> {
  for await (const batch of scanChanges(tables)) yield keysOf(batch, (reason) => reason === null);
}

async function* listRefused(tables: TableStore): AsyncIterable<Quarantined[]> {
  for await (const batch of scanChanges(tables)) yield keysOf(batch, (reason) => reason !== null) as Quarantined[];
  if (!(await tables.tables()).includes(quarantinedTable)) return;
  const later = tables.scan(await tables.snapshot(quarantinedTable), { columns: ['customer', 'seq', 'reason'] });
  for await (const { rows, columns } of later)
    yield keysOf({ rows, columns: { ...columns, refused: columns.reason as TextValues } }, () => true) as Quarantined[];
}

async function* scanChanges(tables: TableStore): AsyncIterable<ColumnBatch> {
  const snapshot = await tables.snapshot(changesTable);
  yield* tables.scan(snapshot, { columns: ['customer', 'seq', 'refused'] });
}

function keysOf(
  { rows, columns }: ColumnBatch,
  wanted: (reason: string | null) => boolean,
): (ChangeKey & { readonly reason?: string })[] {
  const found: (ChangeKey & { readonly reason?: string })[] = [];
  const customers = columns.customer as IntValues;
  const seqs = columns.seq as IntValues;
  for (let i = 0; i < rows; i++) {
    const reason = (columns.refused?.[i] ?? null) as string | null;
    if (!wanted(reason)) continue;
    const key = { customer: customers[i] as number, seq: seqs[i] as number };
    found.push(reason === null ? key : { ...key, reason });
  }
  return found;
}

async function takeInventory(tables: TableStore): Promise<Inventory> {
  const empty = () => ({ files: 0, bytes: 0, hotBytes: 0 });
  const tiers = { hot: empty(), warm: empty(), cold: empty() };
  const inventory = { files: 0, bytes: 0, rows: 0, smallFiles: 0, smallFileBytes, tiers };
  for (const table of await tables.tables()) {
    for (const file of (await tables.snapshot(table)).files) {
      inventory.files++;
      inventory.bytes += file.bytes;
      inventory.rows += file.rows;
      if (file.bytes < smallFileBytes) inventory.smallFiles++;
      const tier = tiers[file.tier];
      tier.files++;
      tier.bytes += file.bytes;
      tier.hotBytes += file.hotBytes;
    }
  }
  return inventory;
}
