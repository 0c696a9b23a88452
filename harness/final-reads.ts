/**
 * After the load: waits until the plane shows every change, or its time is up, then has read the last row of every key
 * that was touched, through the same door as everybody.
 */
import type { FeatureRow } from '../workloads/feature-view.js';
import { type Clock, hostClock, monotonicUs } from './clock.js';
import { differingRows } from './ledger/row-verdicts.js';
import type { LoadedTrace } from './loaded-trace.js';
import { rowsOf } from './processes/answers.js';
import type { PlaneClient } from './processes/endpoint.js';

const keysPerCall = 500;
const callsInFlight = 2;
const retryEveryUs = 100_000;
const settleEveryUs = 500_000;
const timeoutUs = 60_000_000;

/** One row a touched customer: the newest that was read. */
export async function readFinalRows(options: {
  readonly plane: PlaneClient;
  readonly trace: LoadedTrace;
  /** How long a key may stay behind before what it shows is taken as final. */
  readonly drainUs: number;
}): Promise<readonly FeatureRow[]> {
  const { plane, trace } = options;
  const { emissions } = trace;
  const newest = new Map<number, FeatureRow>();
  const isBehind = (customer: number) => (newest.get(customer)?.lastSeq ?? -1) < emissions.highestSeq(customer);
  const deadlineUs = monotonicUs() + options.drainUs;
  let behind = touchedCustomers(trace);
  for (;;) {
    for (const row of await readRows(plane, behind)) newest.set(Number(row.key), row);
    behind = behind.filter(isBehind);
    if (behind.length === 0 || monotonicUs() > deadlineUs) return [...newest.values()];
    await hostClock.sleep(retryEveryUs);
  }
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
  readonly untilUs: number;
}): Promise<readonly FeatureRow[]> {
  const { plane, trace, clock } = options;
  let wrong = await differingRows(trace.oracle, options.final);
  while (wrong.length > 0 && clock.nowUs() < options.untilUs) {
    await clock.sleep(settleEveryUs);
    const customers = wrong.map(({ key }) => Number(key));
    wrong = await differingRows(trace.oracle, await readRows(plane, customers));
  }
  return readRows(plane, touchedCustomers(trace));
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
