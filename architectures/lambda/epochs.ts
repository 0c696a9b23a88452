/**
 * Epoch n is the batch view that the n-th recomputation wrote and the speed view of what came after its cut. Two
 * pointers in the online store say how far an epoch has come: `published` when its batch view is whole, `serving` when
 * its speed view has caught up. Only then do reads move over, and the tables of the epoch before go.
 */
import type { RoleContext } from '../../harness/architecture.js';
import type { OnlineStore, StoredRow } from '../../harness/ports/online-store/port.js';
import { untilDone } from '../../harness/ports/retries.js';
import type { LambdaParams } from './params.js';

export const pointersTable = 'lambda-epochs';
/** Where it is kept what is served: one row. */
export const servedTable = 'lambda-served';
/** How often a role looks whether a pointer has moved: a few times a flush, as often as there can be anything new. */
export const pointerPollUs = ({ flushIntervalUs }: LambdaParams) => Math.ceil(flushIntervalUs / 4);

export interface Published {
  readonly epoch: number;
  /** Per partition, the offset of the first entry that the batch view has not seen. */
  readonly cut: readonly number[];
}

export const batchTable = (epoch: number) => `lambda-batch-${epoch}`;
export const speedTable = (epoch: number) => `lambda-speed-${epoch}`;
/** The epochs of whose views there is a table, whoever made it. */
export async function storedEpochs(store: OnlineStore): Promise<ReadonlySet<number>> {
  const found = (await store.tables()).map((table) => /^lambda-(?:batch|speed)-(\d+)$/.exec(table)?.[1]);
  return new Set(found.filter((epoch) => epoch !== undefined).map(Number));
}

export const speedGroup = (epoch: number) => `lambda.speed.${epoch}`;

/** The first row of every view table. A reader that does not find it reads an epoch that has gone. */
const marker = '#epoch';

export async function mark(store: OnlineStore, table: string, asOfUs: number): Promise<void> {
  await store.put(table, { keys: [marker], seqs: [1], asOfUs: [asOfUs], values: [new Uint8Array(1)] });
}

/** Rows of a view table; null if the table has gone, which is not the same as rows that are not there. */
export async function readView(
  store: OnlineStore,
  table: string,
  keys: readonly string[],
): Promise<(StoredRow | null)[] | null> {
  const [marked, ...rows] = await store.get(table, [marker, ...keys]);
  return marked ? rows : null;
}

export async function publish(store: OnlineStore, published: Published, asOfUs: number): Promise<void> {
  await point(store, 'published', published.epoch, published.cut, asOfUs);
}

export async function readPublished(store: OnlineStore): Promise<Published | null> {
  const row = (await store.get(pointersTable, ['published']))[0];
  return row ? { epoch: row.seq, cut: JSON.parse(new TextDecoder().decode(row.value)) as number[] } : null;
}

export async function serve(store: OnlineStore, epoch: number, asOfUs: number): Promise<void> {
  await point(store, 'serving', epoch, [], asOfUs);
}

/** The epoch that reads come from; null before the first. */
export async function readServing(store: OnlineStore): Promise<number | null> {
  return (await store.get(pointersTable, ['serving']))[0]?.seq ?? null;
}

/** The newest time of the source that the speed layer has read. Its version is the time itself: an older one changes nothing. */
export async function beat(store: OnlineStore, newestUs: number): Promise<void> {
  await point(store, 'newest', newestUs, [], newestUs);
}

/** The epoch that reads come from, and the newest time of the source; null before the first of each. */
export async function readServingAndTime(
  store: OnlineStore,
): Promise<{ readonly serving: number | null; readonly newestUs: number | null }> {
  const [serving, newest] = await store.get(pointersTable, ['serving', 'newest']);
  return { serving: serving?.seq ?? null, newestUs: newest?.seq ?? null };
}

/** What a pointer says, as soon as it says anything: the roles start together, and the first epoch takes its time. */
export async function awaitPointer<T>(
  read: (store: OnlineStore) => Promise<T | null>,
  context: RoleContext,
  params: LambdaParams,
): Promise<T> {
  const { ports, clock, signal } = context;
  for (;;) {
    const found = await untilDone(context, () => read(ports.onlineStore));
    if (found !== null) return found;
    await clock.sleep(pointerPollUs(params), signal);
  }
}

async function point(
  store: OnlineStore,
  key: string,
  epoch: number,
  value: readonly number[],
  asOfUs: number,
): Promise<void> {
  await store.put(pointersTable, {
    keys: [key],
    seqs: [epoch],
    asOfUs: [asOfUs],
    values: [new TextEncoder().encode(JSON.stringify(value))],
  });
}
