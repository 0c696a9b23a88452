/** The serving layer: on each read adds the speed row of a customer to its batch row, both of one epoch. */
import type { RoleContext } from '../../harness/architecture.js';
import { CallError } from '../../harness/errors.js';
import { createCircuit } from '../../harness/ports/circuit.js';
import type { StoredRow } from '../../harness/ports/online-store/port.js';
import { followEventTime } from '../../workloads/event-time.js';
import type { FeatureRow } from '../../workloads/feature-view.js';
import { predictRows } from '../../workloads/model.js';
import {
  awaitPointer,
  batchTable,
  pointerPollUs,
  readServing,
  readServingAndTime,
  readView,
  speedTable,
} from './epochs.js';
import { evaluateRows } from './evaluation.js';
import type { LambdaParams } from './params.js';

export async function runServing(context: RoleContext, params: LambdaParams): Promise<void> {
  const { ports, clock, signal } = context;
  const { onlineStore } = ports;
  let epoch = await awaitPointer(readServing, context, params);
  const { storeTimeoutUs: timeoutUs, failuresUntilOpen } = params;
  const circuit = createCircuit(context, { server: 'the online store', timeoutUs, failuresUntilOpen });
  const time = followEventTime(clock, params.clockToleranceUs);
  let batchRows = createCache(params.cachedRows);

  /** Rows of one epoch; null if it has gone meanwhile. */
  async function readEpoch(of: number, cache: Cache, keys: readonly string[]): Promise<FeatureRow[] | null> {
    const batchRow = new Map(keys.map((key) => [key, cache.get(key)]));
    const missing = keys.filter((key) => batchRow.get(key) === undefined);
    const [batch, speed] = await circuit.run(() =>
      Promise.all([
        missing.length === 0 ? [] : readView(onlineStore, batchTable(of), missing),
        readView(onlineStore, speedTable(of), keys),
      ]),
    );
    if (!batch || !speed) return null;
    missing.forEach((key, i) => {
      batchRow.set(key, batch[i] ?? null);
      cache.set(key, batch[i] ?? null);
    });
    return keys.map((key, i) => {
      const [batchPart, speedPart] = [batchRow.get(key) ?? null, speed[i] ?? null];
      time.see(Math.max(batchPart?.asOfUs ?? 0, speedPart?.asOfUs ?? 0));
      return merge(key, batchPart, speedPart, time.nowUs());
    });
  }

  async function readRows(keys: readonly string[]): Promise<FeatureRow[]> {
    for (;;) {
      const rows = await readEpoch(epoch, batchRows, keys);
      if (rows) return rows;
      await moveOn();
    }
  }

  async function moveOn(): Promise<void> {
    const { serving, newestUs } = await readServingAndTime(onlineStore);
    time.see(newestUs ?? 0);
    if (serving === null || serving === epoch) return;
    epoch = serving;
    batchRows = createCache(params.cachedRows);
  }

  await context.serve({
    lookup: ({ keys }) => readRows(keys),
    predict: async ({ keys }) => predictRows(await readRows(keys)),
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

/** `asOfUs`: not before the time of either row. */
function merge(key: string, batch: StoredRow | null, speed: StoredRow | null, asOfUs: number): FeatureRow {
  const values = [batch, speed].flatMap((row) => (row ? [row.value] : []));
  return { key, lastSeq: Math.max(batch?.seq ?? 0, speed?.seq ?? 0), asOfUs, features: evaluateRows(values, asOfUs) };
}

interface Cache {
  /** Null: it is known that there is none. */
  get(key: string): StoredRow | null | undefined;
  set(key: string, row: StoredRow | null): void;
}

/** Rows of one epoch never change, so they need no time to live; the oldest goes when there are too many. */
function createCache(capacity: number): Cache {
  const rows = new Map<string, StoredRow | null>();
  return {
    get: (key) => rows.get(key),
    set(key, row) {
      if (capacity === 0) return;
      if (rows.size >= capacity) rows.delete(rows.keys().next().value as string);
      rows.set(key, row);
    },
  };
}
