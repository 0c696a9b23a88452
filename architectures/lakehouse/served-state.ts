/**
 * What serving answers from: one row of the online store. So it changes at one moment, features and model together, and
 * outlives every process.
 */
import type { RoleContext, SnapshotRef } from '../../harness/architecture.js';
import type { OnlineStore } from '../../harness/ports/online-store/port.js';
import { untilDone } from '../../harness/ports/retries.js';
import { modelVersion } from '../../workloads/model.js';

export interface ServedState {
  /** With which the newest state is served. */
  readonly modelVersion: number;
  /** Served in the place of the newest state; null: the newest state is. */
  readonly pinned: SnapshotRef | null;
}

export const servedTable = 'lakehouse_served';
const key = 'served';
const initially: ServedState = { modelVersion, pinned: null };

export async function readServedState(store: Pick<OnlineStore, 'get'>): Promise<ServedState> {
  return (await readVersion(store)).state;
}

/** A row replaces only an older one: of two changes at the same time one comes first and the other is made again. */
export async function changeServedState(
  context: RoleContext,
  change: (state: ServedState) => ServedState,
): Promise<ServedState> {
  const { onlineStore } = context.ports;
  for (;;) {
    const before = await untilDone(context, () => readVersion(onlineStore));
    const changed = change(before.state);
    const row = { keys: [key], seqs: [before.version + 1], asOfUs: [0], values: [encode(changed)] };
    await untilDone(context, () => onlineStore.put(servedTable, row));
    // A put that was repeated, as its answer was lost, does not tell whose row there is.
    const { state } = await untilDone(context, () => readVersion(onlineStore));
    if (JSON.stringify(state) === JSON.stringify(changed)) return changed;
  }
}

async function readVersion(store: Pick<OnlineStore, 'get'>): Promise<{ version: number; state: ServedState }> {
  const [row] = await store.get(servedTable, [key]);
  if (!row) return { version: 0, state: initially };
  return { version: row.seq, state: JSON.parse(new TextDecoder().decode(row.value)) as ServedState };
}

function encode(state: ServedState): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(state));
}
