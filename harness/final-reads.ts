/**
 * After the load: waits until the plane shows every change, or its time is up, then has read the last row of every key
 * that was touched, and all that its tables hold, through the same door as everybody.
 */
import type { FeatureRow } from '../workloads/feature-view.js';
import { createSeqIndex } from '../workloads/seq-index.js';
import type { ChangeKey, Inventory, Quarantined } from './architecture.js';
import type { Clock } from './clock.js';
import { CallError } from './errors.js';
import { differingRows } from './ledger/row-verdicts.js';
import { type ListedChanges, listChanges } from './ledger/tables.js';
import type { LoadedTrace } from './loaded-trace.js';
import { changesOf, inventoryOf, rowsOf } from './processes/answers.js';
import type { PlaneClient } from './processes/endpoint.js';
import type { StoredBytes } from './record/facts.js';

const keysPerCall = 500;
const callsInFlight = 2;
/** How often to look again, in parts of the freshness SLO, by which a plane moves. */
const retriesPerSlo = 50;
const exportsPerSlo = 20;
const settlesPerSlo = 20;
const timeoutUs = 60_000_000;

/** One row a touched customer: the newest that was read. */
export async function readFinalRows(options: {
  readonly plane: PlaneClient;
  readonly trace: LoadedTrace;
  /** How long a key may stay behind before what it shows is taken as final. */
  readonly drainUs: number;
  readonly clock: Clock;
  readonly sloUs: number;
}): Promise<readonly FeatureRow[]> {
  const { plane, trace, clock } = options;
  const { emissions } = trace;
  const newest = new Map<number, FeatureRow>();
  const isBehind = (customer: number) => (newest.get(customer)?.lastSeq ?? -1) < emissions.highestSeq(customer);
  const deadlineUs = clock.nowUs() + options.drainUs;
  let behind = touchedCustomers(trace);
  /** Reads these again; true if one of them is not behind any more. */
  const look = async (customers: readonly number[], isLast: boolean): Promise<boolean> => {
    const rows = await unlessRefused(readRows(plane, customers), isLast);
    for (const row of rows ?? []) newest.set(Number(row.key), row);
    return customers.some((customer) => !isBehind(customer));
  };
  for (let isMoving = true; ; ) {
    // Changes show in batches: while none does, a few rows tell that, and the plane is left alone with its work.
    const isLast = clock.nowUs() >= deadlineUs;
    if (isMoving || isLast || (await look(behind.slice(0, keysPerCall), false))) await look(behind, isLast);
    const before = behind.length;
    behind = behind.filter(isBehind);
    if (behind.length === 0 || isLast) return [...newest.values()];
    isMoving = behind.length < before;
    await clock.sleep(options.sloUs / retriesPerSlo);
  }
}

/** A change that was never acknowledged, as its append was given up, is missed all the same. */
export function hasCaughtUp(rows: readonly FeatureRow[], { emissions }: LoadedTrace): boolean {
  return rows.every(({ key, lastSeq }) => lastSeq >= emissions.highestSeq(Number(key)));
}

/**
 * The same rows once more, when a plane that corrects itself has done so: as soon as every row is right, or at `untilUs`
 * of event time, whatever it shows then.
 */
export async function readSettledRows(options: {
  readonly plane: PlaneClient;
  readonly trace: LoadedTrace;
  readonly final: readonly FeatureRow[];
  readonly clock: Clock;
  readonly sloUs: number;
  readonly untilUs: number;
}): Promise<readonly FeatureRow[]> {
  const { plane, trace, clock } = options;
  let wrong = await differingRows(trace.oracle, options.final);
  while (wrong.length > 0 && clock.nowUs() < options.untilUs) {
    await clock.sleep(options.sloUs / settlesPerSlo);
    const customers = wrong.map(({ key }) => Number(key));
    // Most corrections come at once: while a few rows stay wrong, the plane is left alone with its work.
    const few = await unlessRefused(readRows(plane, customers.slice(0, keysPerCall)), false);
    if (few === null || (await differingRows(trace.oracle, few)).length > 0) continue;
    const all = await unlessRefused(readRows(plane, customers), false);
    if (all !== null) wrong = await differingRows(trace.oracle, all);
  }
  const touched = touchedCustomers(trace);
  return patiently(clock, options, () => readRows(plane, touched));
}

/** Null: not offered. */
export interface Exported {
  readonly changes: readonly ListedChanges[] | null;
  readonly quarantined: readonly (readonly Quarantined[])[] | null;
  readonly inventory: Inventory | null;
  /** Null: it cannot be read. */
  readonly stored: StoredBytes | null;
}

/** What the tables hold once they hold everything, or when the plane's time to drain is over. */
export async function exportTables(options: {
  readonly plane: PlaneClient;
  readonly trace: LoadedTrace;
  readonly drainUs: number;
  readonly clock: Clock;
  readonly sloUs: number;
  /** Looks into storage. */
  readonly readStored: () => Promise<StoredBytes | null>;
}): Promise<Exported> {
  const { plane, trace, clock, sloUs } = options;
  const changes = plane.offers('exportChanges') ? await exportAll(plane, trace, options) : null;
  const patience = { sloUs, untilUs: clock.nowUs() + options.drainUs };
  const askInventory = async () =>
    inventoryOf(await plane.call<unknown>('inventory', undefined, { timeoutUs, probe: true }));
  const askQuarantine = () => collect(plane, 'quarantine', (page: readonly Quarantined[]) => page);
  return {
    changes,
    quarantined: plane.offers('quarantine') ? await patiently(clock, patience, askQuarantine) : null,
    inventory: plane.offers('inventory') ? await patiently(clock, patience, askInventory) : null,
    stored: await options.readStored(),
  };
}

async function exportAll(
  plane: PlaneClient,
  { info, emissions }: LoadedTrace,
  { drainUs, clock, sloUs }: { readonly drainUs: number; readonly clock: Clock; readonly sloUs: number },
): Promise<ListedChanges[]> {
  const deadlineUs = clock.nowUs() + drainUs;
  for (;;) {
    const isLast = clock.nowUs() > deadlineUs;
    const pages = await unlessRefused(collect(plane, 'exportChanges', listChanges), isLast);
    if (pages !== null && (isLast || countDistinct(pages, info.contract.customers) >= emissions.soundChanges))
      return pages;
    await clock.sleep(sloUs / exportsPerSlo);
  }
}

/** Copies of one change are no others. */
function countDistinct(pages: readonly ListedChanges[], customers: number): number {
  const seen = createSeqIndex(customers);
  let distinct = 0;
  for (const page of pages) {
    for (let i = 0; i < page.customers.length; i++) {
      const customer = page.customers[i] as number;
      if (customer < customers && seen.add(customer, page.seqs[i] as number)) distinct++;
    }
  }
  return distinct;
}

/** Asks again while it is refused, until time is up. */
async function patiently<T>(
  clock: Clock,
  { sloUs, untilUs }: { readonly sloUs: number; readonly untilUs: number },
  ask: () => Promise<T>,
): Promise<T> {
  for (;;) {
    const answer = await unlessRefused(ask(), clock.nowUs() >= untilUs);
    if (answer !== null) return answer;
    await clock.sleep(sloUs / settlesPerSlo);
  }
}

/** Null: a plane that has not recovered yet says so by refusing; that it still does in the end is its failure. */
async function unlessRefused<T>(answer: Promise<T>, isLast: boolean): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (isLast || !(error instanceof CallError)) throw error;
    return null;
  }
}

async function collect<Key extends ChangeKey, Page>(
  plane: PlaneClient,
  operation: 'exportChanges' | 'quarantine',
  keep: (page: readonly Key[]) => Page,
): Promise<Page[]> {
  const collected: Page[] = [];
  for await (const page of plane.pages<unknown>(operation, undefined, { timeoutUs }))
    collected.push(keep(changesOf<Key>(operation, page)));
  return collected;
}

function touchedCustomers({ info, emissions }: LoadedTrace): number[] {
  const touched: number[] = [];
  for (let customer = 0; customer < info.contract.customers; customer++) {
    if (emissions.highestSeq(customer) > 0) touched.push(customer);
  }
  return touched;
}

async function readRows(plane: PlaneClient, customers: readonly number[]): Promise<FeatureRow[]> {
  const rows: FeatureRow[] = [];
  let next = 0;
  const worker = async () => {
    while (next < customers.length) {
      const keys = customers.slice(next, next + keysPerCall).map(String);
      next += keysPerCall;
      rows.push(...rowsOf(await plane.call<unknown>('lookup', { keys }, { timeoutUs, probe: true }), keys));
    }
  };
  await Promise.all(Array.from({ length: callsInFlight }, worker));
  return rows;
}
