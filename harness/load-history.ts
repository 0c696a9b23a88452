/** Loads the history through the plane's own door and waits until what it serves equals the oracle. */
import { join } from 'node:path';
import type { BackfillRequest } from './architecture.js';
import type { Clock } from './clock.js';
import { CallError } from './errors.js';
import { factsAtHand } from './ledger/oracle.js';
import { differingRows } from './ledger/row-verdicts.js';
import type { LoadedTrace } from './loaded-trace.js';
import { backfillOf, rowsOf } from './processes/answers.js';
import type { PlaneClient } from './processes/endpoint.js';
import { seededRandom } from './random.js';
import type { BackfillFact } from './record/facts.js';
import type { RunPlan } from './scenario.js';

const checkedCustomers = 1_000;
const shortestTimeoutUs = 120_000_000;
const timeoutUsPerFact = 10;

/** For work over all of history: as long as a machine may take whose two cores do other things too, 100,000 facts a second. */
export function historyTimeoutUs(shortestUs: number, facts: number): number {
  return shortestUs + timeoutUsPerFact * facts;
}

/** From its answer on, until it is served. */
const settleUs = 30_000_000;
const retryEveryUs = 100_000;

/** Null where the plane offers no backfill. */
export async function loadHistory(options: {
  readonly plane: PlaneClient;
  readonly trace: LoadedTrace;
  readonly plan: RunPlan;
  readonly clock: Clock;
}): Promise<BackfillFact | null> {
  const { plane, trace, plan, clock } = options;
  if (!plane.offers('backfill')) return null;
  const timeoutUs = historyTimeoutUs(shortestTimeoutUs, trace.info.history.facts);
  const customers = sampleCustomers(trace, plan.seed);
  // What the oracle itself has to read of a long history is no time of the plane's.
  if (trace.info.history.facts > factsAtHand)
    await trace.oracle.evaluate(customers.map((customer) => ({ customer, lastSeq: 0, asOfUs: trace.info.epochUs })));
  const startUs = clock.nowUs();
  const { rows: toldRows, filesByReference } = backfillOf(
    await plane.call<unknown>('backfill', requestOf(trace.directory), { timeoutUs }),
  );
  const answeredUs = clock.nowUs();
  let wrongRows: number;
  let endUs: number;
  do {
    endUs = clock.nowUs();
    wrongRows = await countWrong(plane, trace, customers, timeoutUs);
    if (wrongRows === 0) break;
    await clock.sleep(retryEveryUs);
  } while (clock.nowUs() - answeredUs < settleUs);
  const { facts, parquetBytes, columnBytes } = trace.info.history;
  return {
    hostUs: endUs - startUs,
    // Facts, and a row a customer.
    rows: facts + trace.info.contract.customers,
    toldRows,
    parquetBytes,
    columnBytes,
    filesByReference,
    checkedRows: customers.length,
    wrongRows,
  };
}

function requestOf(directory: string): BackfillRequest {
  const file = (name: string) => join(directory, 'history', `${name}.parquet`);
  return {
    files: { orders: file('orders'), clicks: file('clicks'), devices: file('devices'), customers: file('customers') },
  };
}

/** The panel, whose keys are hot, and others drawn at random. */
function sampleCustomers({ info }: LoadedTrace, seed: number): number[] {
  const random = seededRandom(seed, '/backfill-check');
  const sample = new Set(info.panel);
  const wanted = Math.min(checkedCustomers, info.contract.customers);
  while (sample.size < wanted) sample.add(random.below(info.contract.customers));
  return [...sample];
}

async function countWrong(
  plane: PlaneClient,
  trace: LoadedTrace,
  customers: readonly number[],
  timeoutUs: number,
): Promise<number> {
  const keys = customers.map(String);
  try {
    const rows = rowsOf(await plane.call<unknown>('lookup', { keys }, { timeoutUs, probe: true }), keys);
    return (await differingRows(trace.oracle, rows)).length;
  } catch (error) {
    // As of a plane that says that its rows are not there yet.
    if (error instanceof CallError) return customers.length;
    throw error;
  }
}
