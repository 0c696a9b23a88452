/** The serving layer: on each read adds the speed row of a customer to its batch row, both of one epoch. */
import type { RoleContext } from '../../harness/architecture.js';
import { CallError } from '../../harness/errors.js';
import { journalInTables } from '../../harness/lineage/journal.js';
import { openLineage } from '../../harness/lineage/recorder.js';
import { createCircuit } from '../../harness/ports/circuit.js';
import type { StoredRow } from '../../harness/ports/online-store/port.js';
import { openServedState, openServing, type Served } from '../../harness/ports/served-state.js';
import { openServedTime } from '../../harness/ports/served-time.js';
import { createAgeing, type Evaluated } from '../../workloads/ageing.js';
import type { FeatureRow } from '../../workloads/feature-view.js';
import { predictRows } from '../../workloads/model.js';
import {
  awaitPointer,
  batchTable,
  pointerPollUs,
  pointersTable,
  readServing,
  readServingAndTime,
  readView,
  servedTable,
  speedTable,
} from './epochs.js';
import { evaluateRows } from './evaluation.js';
import { findSnapshot, snapshotRows } from './jobs.js';
import { recordServed } from './lineage.js';
import type { LambdaParams } from './params.js';

export async function runServing(context: RoleContext, params: LambdaParams): Promise<void> {
  const { ports, clock, contract, signal } = context;
  const { onlineStore } = ports;
  const age = createAgeing(contract.view);
  let epoch = await awaitPointer(readServing, context, params);
  const { storeTimeoutUs: timeoutUs, failuresUntilOpen } = params;
  const circuit = createCircuit(context, { server: 'the online store', timeoutUs, failuresUntilOpen });
  const time = await openServedTime(context, {
    store: onlineStore,
    table: pointersTable,
    toleranceUs: params.clockToleranceUs,
  });
  let batchRows = createCache(params.cachedRows);
  let isLost = false;
  const lineage = openLineage(context, journalInTables(ports.tables));
  const { now: servedNow, operations: switches } = await openServing(context, {
    record: (served) => recordServed(lineage, served),
    register: openServedState(context, servedTable),
    findSnapshot: (id) => findSnapshot(ports.tables, id),
    rowsOf: (snapshot) => snapshotRows(ports.tables, snapshot),
  });

  /** Rows of one epoch; null if it has gone meanwhile. */
  async function readEpoch(of: number, cache: Cache, keys: readonly string[]): Promise<FeatureRow[] | null> {
    const known = keys.map((key) => cache.get(key));
    const missing = keys.filter((_, i) => !known[i]);
    const [batch, speed] = await circuit.run(() =>
      Promise.all([
        missing.length === 0 ? [] : readView(onlineStore, batchTable(of), missing),
        readView(onlineStore, speedTable(of), keys),
      ]),
    );
    if (!batch || !speed) return null;
    const read = missing.map((key, i) => cache.keep(key, batch[i] ?? null)).values();
    return keys.map((key, i) => {
      const batchRow = known[i] ?? (read.next().value as BatchRow);
      const speedRow = speed[i] ?? null;
      time.see(Math.max(batchRow.row?.asOfUs ?? 0, speedRow?.asOfUs ?? 0));
      return merge(key, batchRow, speedRow, time.nowUs());
    });
  }

  /** `asOfUs`: not before the time of either row. */
  function merge(key: string, batch: BatchRow, speed: StoredRow | null, asOfUs: number): FeatureRow {
    const { row, answered } = batch;
    const isSame = answered?.speedSeq === speed?.seq && answered?.speedAsOfUs === speed?.asOfUs;
    const aged = answered && isSame ? age(answered, asOfUs) : null;
    const features = aged ?? evaluateRows(valuesOf(row, speed), asOfUs);
    if (!aged) batch.answered = { asOfUs, features, speedSeq: speed?.seq, speedAsOfUs: speed?.asOfUs };
    return { key, lastSeq: Math.max(row?.seq ?? 0, speed?.seq ?? 0), asOfUs, features };
  }

  async function readRows(keys: readonly string[], { rows: pinned }: Served): Promise<FeatureRow[]> {
    if (pinned) return keys.map((key) => pinned.rowOf(key));
    for (;;) {
      const of = epoch;
      const rows = await readEpoch(of, batchRows, keys);
      if (rows) return rows;
      await moveOn();
      // Tables go only when the pointer has moved on: where it has not, the store has lost them.
      if (isLost || epoch === of)
        throw new CallError('failed', 'the views are gone from the online store, and are being computed again');
    }
  }

  async function moveOn(): Promise<void> {
    const { serving, newestUs } = await readServingAndTime(onlineStore);
    time.see(newestUs ?? 0);
    // The pointer does not go as epochs do: the store has lost it.
    isLost = serving === null;
    // Numbers may begin again: rows of this one may not be those of the next of its number.
    if (serving === null) batchRows = createCache(params.cachedRows);
    if (serving === null || serving === epoch) return;
    epoch = serving;
    batchRows = createCache(params.cachedRows);
  }

  await context.serve({
    lookup: ({ keys }) => readRows(keys, servedNow()),
    predict: async ({ keys }) => {
      const from = servedNow();
      return predictRows(await readRows(keys, from), from.modelVersion);
    },
    ...switches,
  });
  context.ready();
  while (!signal.aborted) {
    await moveOn().catch(lookAgain);
    await clock.sleep(pointerPollUs(params), signal);
  }
}

/** A store that did not answer: the next look will tell. */
function lookAgain(error: unknown): void {
  if (!(error instanceof CallError)) throw error;
}

const valuesOf = (...rows: readonly (StoredRow | null)[]) => rows.flatMap((row) => (row ? [row.value] : []));

interface BatchRow {
  /** Null: it is known that there is none. */
  readonly row: StoredRow | null;
  /** Its sum with the speed row of this version, from the last read: whoever reads often finds most rows unchanged. */
  answered: Answered | null;
}

interface Answered extends Evaluated {
  readonly speedSeq: number | undefined;
  readonly speedAsOfUs: number | undefined;
}

interface Cache {
  get(key: string): BatchRow | undefined;
  keep(key: string, row: StoredRow | null): BatchRow;
}

/** Rows of one epoch never change, so they need no time to live; the oldest goes when there are too many. */
function createCache(capacity: number): Cache {
  const rows = new Map<string, BatchRow>();
  return {
    get: (key) => rows.get(key),
    keep(key, row) {
      const kept: BatchRow = { row, answered: null };
      if (capacity === 0) return kept;
      if (rows.size >= capacity) rows.delete(rows.keys().next().value as string);
      rows.set(key, kept);
      return kept;
    },
  };
}
