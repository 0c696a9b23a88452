/**
 * Whether the online store holds all rows that follow from the tables. A store that comes back empty looks like one whose
 * customers have done nothing yet: two rows beside those of customers tell them apart. `begun` is put before rows are made
 * for everybody, `whole` afterwards, both under the number of that filling. A store that was lost meanwhile, or since, lacks
 * the first, so nothing has to be known of when it was lost.
 */
import type { RoleContext } from '../../harness/architecture.js';
import { CallError } from '../../harness/errors.js';
import type { OnlineStore, StoredRow } from '../../harness/ports/online-store/port.js';
import { untilDone } from '../../harness/ports/retries.js';
import type { ChangeRows } from './change-rows.js';
import type { CustomerRows } from './customer-rows.js';
import { beat } from './heartbeat.js';
import { rebuildOnline } from './rebuild.js';
import type { Position } from './recovery.js';
import { rowTable } from './tables.js';

/** No customers: those are numbers. */
const begun = '#begun';
const whole = '#whole';
const nothing = new Uint8Array(0);
const customersPerRange = 65_536;

/** Rows are missing that the tables have, and are about to come. */
export class NotWhole extends CallError {
  constructor() {
    super('failed', 'rows are missing from the online store, which is being filled again from the tables');
  }
}

/** Rows that were not found, once more: null then says that there is nothing to be known of a customer. */
export async function getIfWhole(
  store: Pick<OnlineStore, 'get'>,
  keys: readonly string[],
): Promise<(StoredRow | null)[]> {
  const [first, last, ...rows] = await store.get(rowTable, [begun, whole, ...keys]);
  if (!first || first.seq !== last?.seq) throw new NotWhole();
  return rows;
}

export async function isWhole(context: RoleContext): Promise<boolean> {
  const { first, last } = await untilDone(context, () => readNumbers(context));
  return first > 0 && first === last;
}

/** Of the latest filling that began, and of the latest that ended; 0: none. */
async function readNumbers({ ports }: RoleContext): Promise<{ readonly first: number; readonly last: number }> {
  const [first, last] = await ports.onlineStore.get(rowTable, [begun, whole]);
  return { first: first?.seq ?? 0, last: last?.seq ?? 0 };
}

/** Nothing follows from tables that nothing was taken in to. */
export const isPristine = ({ historyLoaded, offsets }: Position): boolean =>
  !historyLoaded && offsets.every((offset) => offset === 0);

/** What was read of the log and is not in the tables yet; a stream that died may have put rows of it already. */
export interface Taken {
  readonly rows: ChangeRows;
  /** How many of `rows`, from the first on. */
  readonly fresh: number;
  /** When the newest of all changes was emitted that were ever read; 0: not known. */
  readonly newestUs: number;
}

/**
 * Fills the store; to be called when no row is on its way, and all that was put is in the tables or was taken. The heartbeat
 * was lost, too, and comes first: without it who serves would take the time of a row that is there again for the newest
 * there is.
 */
export async function makeWhole(
  context: RoleContext,
  position: Position,
  customerRows: CustomerRows,
  taken: Taken,
): Promise<void> {
  const { first, last } = await untilDone(context, () => readNumbers(context));
  const filling = { seqs: [Math.max(first, last) + 1], asOfUs: [0], values: [nothing] };
  const put = (key: string) =>
    untilDone(context, () => context.ports.onlineStore.put(rowTable, { keys: [key], ...filling }));
  if (taken.newestUs > 0) await beat(context, taken.newestUs);
  await put(begun);
  if (!isPristine(position)) await fill(context, position.historyLoaded, customerRows, taken);
  // A stream that was replaced meanwhile has filled in what the tables had before, and must not call that all.
  await position.changes.append({ rows: 0, columns: {} }, []);
  await put(whole);
}

/** A range of customers at a time, as history is loaded: memory is that of a range. */
async function fill(
  context: RoleContext,
  historyLoaded: boolean,
  customerRows: CustomerRows,
  { rows, fresh }: Taken,
): Promise<void> {
  const { customers: all } = context.contract;
  for (let from = 0; from < all; from += customersPerRange) {
    const customers = Array.from({ length: Math.min(customersPerRange, all - from) }, (_, i) => from + i);
    const input = { customers, rows, fresh, historyLoaded };
    await rebuildOnline(context, input, customerRows);
  }
}
