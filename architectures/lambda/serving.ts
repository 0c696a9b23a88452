/** The serving layer: on each read adds the speed row of a customer to its batch row, both of one epoch. */
import type { RoleContext } from '../../harness/architecture.js';
import type { StoredRow } from '../../harness/ports/online-store/port.js';
import type { FeatureRow } from '../../workloads/feature-view.js';
import { predictRows } from '../../workloads/model.js';
import { awaitPointer, batchTable, pointerPollUs, readServing, readView, speedTable } from './epochs.js';
import { evaluateRows } from './evaluation.js';
import type { LambdaParams } from './params.js';

export async function runServing(context: RoleContext, params: LambdaParams): Promise<void> {
  const { ports, clock, signal } = context;
  const { onlineStore } = ports;
  let epoch = await awaitPointer(readServing, context, params);
  let batchRows = createCache(params.cachedRows);

  /** Rows of one epoch; null if it has gone meanwhile. */
  async function readEpoch(of: number, cache: Cache, keys: readonly string[]): Promise<FeatureRow[] | null> {
    const batchRow = new Map(keys.map((key) => [key, cache.get(key)]));
    const missing = keys.filter((key) => batchRow.get(key) === undefined);
    const [batch, speed] = await Promise.all([
      missing.length === 0 ? [] : readView(onlineStore, batchTable(of), missing),
      readView(onlineStore, speedTable(of), keys),
    ]);
    if (!batch || !speed) return null;
    missing.forEach((key, i) => {
      batchRow.set(key, batch[i] ?? null);
      cache.set(key, batch[i] ?? null);
    });
    const nowUs = clock.nowUs();
    return keys.map((key, i) => merge(key, batchRow.get(key) ?? null, speed[i] ?? null, nowUs));
  }

  async function readRows(keys: readonly string[]): Promise<FeatureRow[]> {
    for (;;) {
      const rows = await readEpoch(epoch, batchRows, keys);
      if (rows) return rows;
      await moveOn();
    }
  }

  async function moveOn(): Promise<void> {
    const now = await readServing(onlineStore);
    if (now === null || now === epoch) return;
    epoch = now;
    batchRows = createCache(params.cachedRows);
  }

  await context.serve({
    lookup: ({ keys }) => readRows(keys),
    predict: async ({ keys }) => predictRows(await readRows(keys)),
  });
  context.ready();
  while (!signal.aborted) {
    await moveOn();
    await clock.sleep(pointerPollUs(params), signal);
  }
}

function merge(key: string, batch: StoredRow | null, speed: StoredRow | null, nowUs: number): FeatureRow {
  const values = [batch, speed].flatMap((row) => (row ? [row.value] : []));
  // A row written by a clock that runs a little ahead is never evaluated before its own time.
  const asOfUs = Math.max(nowUs, batch?.asOfUs ?? 0, speed?.asOfUs ?? 0);
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
