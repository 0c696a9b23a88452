/** The newest time of the source that the stream has read: what serving asks for when it doubts its own clock. */
import type { RoleContext } from '../../harness/architecture.js';
import type { OnlineStore } from '../../harness/ports/online-store/port.js';
import { untilDone } from '../../harness/ports/retries.js';

export const heartbeatTable = 'lakehouse_heartbeat';
const key = 'newest';
const nothing = new Uint8Array(0);

/** Its version is the time itself, so an older one changes nothing. */
export async function beat(context: RoleContext, newestUs: number): Promise<void> {
  const row = { keys: [key], seqs: [newestUs], asOfUs: [newestUs], values: [nothing] };
  await untilDone(context, () => context.ports.onlineStore.put(heartbeatTable, row));
}

/** Null before the first change. */
export async function readHeartbeat(store: OnlineStore): Promise<number | null> {
  return (await store.get(heartbeatTable, [key]))[0]?.seq ?? null;
}
