/**
 * A small world for tests of the roles: a generated trace, the real embedded servers and tables, roles run in this
 * process on ports that can be made to fail and to die at any call.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Plane, Role, RoleContext } from '../../harness/architecture.js';
import { type Clock, monotonicNs, systemClock } from '../../harness/clock.js';
import { CallError } from '../../harness/errors.js';
import type { Json } from '../../harness/json.js';
import { connectChangeLog } from '../../harness/ports/change-log/embedded.js';
import { startChangeLogServer } from '../../harness/ports/change-log/embedded-process.js';
import type { IntValues } from '../../harness/ports/columns.js';
import { connectOnlineStore } from '../../harness/ports/online-store/embedded.js';
import { startOnlineStoreServer } from '../../harness/ports/online-store/embedded-process.js';
import type { Ports } from '../../harness/ports/ports.js';
import { openTableStore } from '../../harness/ports/table-store/embedded.js';
import type { Random } from '../../harness/random.js';
import { opNames, tableNames, viewBlock } from '../../workloads/change-batch.js';
import { createContract, type DataContract, refusals } from '../../workloads/data-contract.js';
import { secondUs } from '../../workloads/durations.js';
import { historySchemas } from '../../workloads/fact-schemas.js';
import { smallWorkload } from '../../workloads/fixture-workload.js';
import { historyFiles, readEntries, type TraceInfo, tracePaths } from '../../workloads/trace.js';
import { generateTrace } from '../../workloads/trace-generation.js';
import { type PlainChange, plainChange } from './fixture-brute-force.js';
import lakehouse from './index.js';

const epochUs = 1_768_478_400 * secondUs - 2 * secondUs;

const durationUs = 3 * secondUs;

export interface World {
  readonly ports: Ports;
  readonly clock: Clock;
  readonly contract: DataContract;
  readonly info: TraceInfo;
  readonly traceDirectory: string;
  /** What each customer's history and first copies of changes are, the refused ones too; history has seq 0. */
  readonly truth: Truth;
  /** Appends entries `from` to `to` of the trace to the change log. */
  append(from: number, to: number): Promise<void>;
  endOffsets(): Promise<number[]>;
  close(): Promise<void>;
}

export interface Truth {
  readonly ofCustomer: readonly (readonly PlainChange[])[];
  /** `customer/seq` of every sound change. */
  readonly sound: readonly string[];
  /** `customer/seq/reason` of everything that must be refused. */
  readonly refused: readonly string[];
}

export async function openWorld(seed: number, workload = smallWorkload({ customers: 60, lullUs: 0 })): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'lakehouse-'));
  const traceDirectory = join(directory, 'trace');
  const info = await generateTrace({ workload, seed, epochUs, durationUs, directory: traceDirectory });
  const origin = { epochUs: epochUs + durationUs, zeroNs: monotonicNs() };
  const clock = systemClock(origin);
  const changeLogServer = await startChangeLogServer({ directory: join(directory, 'change-log'), port: 0 });
  const onlineStoreServer = await startOnlineStoreServer(
    { directory: join(directory, 'online-store'), port: 0 },
    origin,
  );
  const changeLog = connectChangeLog({ port: changeLogServer.port });
  const onlineStore = connectOnlineStore({ port: onlineStoreServer.port });
  const tables = openTableStore({ directory: join(directory, 'tables'), clock });
  const contract = createContract(info.contract);
  const entries: { readonly partition: number; readonly block: Uint8Array }[] = [];
  for await (const { partition, block } of readEntries(traceDirectory))
    entries.push({ partition, block: block.slice() });
  await changeLog.createTopic(contract.topic, contract.partitions);
  const ports = { changeLog, onlineStore, tables } as unknown as Ports;
  return {
    ports,
    clock,
    contract,
    info,
    traceDirectory,
    truth: await readTruth(traceDirectory, contract, ports, entries),
    async append(from, to) {
      const some = entries.slice(from, to);
      for (let partition = 0; partition < contract.partitions; partition++) {
        const blocks = some.filter((entry) => entry.partition === partition).map(({ block }) => block);
        if (blocks.length > 0) await changeLog.append(contract.topic, partition, blocks);
      }
    },
    endOffsets: () => changeLog.endOffsets(contract.topic),
    async close() {
      await Promise.all([changeLog.close(), onlineStore.close(), tables.close()]);
      await Promise.all([changeLogServer.child.stop(), onlineStoreServer.child.stop()]);
      await rm(directory, { recursive: true });
    },
  };
}

async function readTruth(
  directory: string,
  contract: DataContract,
  ports: Ports,
  entries: readonly { readonly block: Uint8Array }[],
): Promise<Truth> {
  const ofCustomer: PlainChange[][] = Array.from({ length: contract.customers }, () => []);
  await readHistory(directory, ports, ofCustomer);
  const marks = await readFile(tracePaths(directory).truth);
  const sound: string[] = [];
  const refused: string[] = [];
  let at = 0;
  for (const { block } of entries) {
    const batch = viewBlock(block);
    const decoded = contract.decode(batch);
    for (let i = 0; i < batch.count; i++, at++) {
      const customer = batch.customer[i]!;
      const seq = batch.seq[i]!;
      const mark = refusals[marks[at]!]!;
      if (mark === '') sound.push(`${customer}/${seq}`);
      else refused.push(`${customer}/${seq}/${mark}`);
      if (mark === 'duplicate') continue;
      ofCustomer[customer]!.push({
        seq,
        commitUs: batch.commitUs[i]!,
        table: tableNames[batch.table[i]!]!,
        op: opNames[batch.op[i]!]!,
        refused: mark !== '',
        entity: decoded.entity[i]!,
        eventUs: decoded.eventUs[i]!,
        amountCents: decoded.amountCents[i]!,
        category: decoded.category[i]!,
        risk: decoded.risk[i]!,
        beforeEventUs: decoded.beforeEventUs[i]!,
        beforeAmountCents: decoded.beforeAmountCents[i]!,
        beforeCategory: decoded.beforeCategory[i]!,
      });
    }
  }
  return { ofCustomer, sound: sound.sort(), refused: refused.sort() };
}

async function readHistory(directory: string, { tables }: Ports, ofCustomer: PlainChange[][]): Promise<void> {
  const files = historyFiles(directory);
  for await (const { rows, columns } of tables.readParquet(files.orders, historySchemas.orders)) {
    const of = (name: string, i: number) => (columns[name] as IntValues)[i] as number;
    for (let i = 0; i < rows; i++)
      ofCustomer[of('customer', i)]!.push({
        ...plainChange,
        table: 'orders',
        entity: of('order_id', i),
        eventUs: of('placed_us', i),
        amountCents: of('amount_cents', i),
        category: of('category', i),
      });
  }
  for await (const { rows, columns } of tables.readParquet(files.clicks, historySchemas.clicks)) {
    const of = (name: string, i: number) => (columns[name] as IntValues)[i] as number;
    for (let i = 0; i < rows; i++)
      ofCustomer[of('customer', i)]!.push({
        ...plainChange,
        table: 'clicks',
        entity: of('click_id', i),
        eventUs: of('clicked_us', i),
      });
  }
  for await (const { rows, columns } of tables.readParquet(files.devices, historySchemas.devices)) {
    const of = (name: string, i: number) => (columns[name] as IntValues)[i] as number;
    for (let i = 0; i < rows; i++)
      ofCustomer[of('customer', i)]!.push({
        ...plainChange,
        table: 'devices',
        entity: of('device_id', i),
        eventUs: of('seen_us', i),
        risk: of('risk', i),
      });
  }
}

/** A role at work in this process. */
export interface RunningRole {
  /** What it serves, once it is ready; rejects if it dies before. */
  readonly serving: Promise<Partial<Plane>>;
  /** Settles, never rejects, when it has ended and nothing that it asked for is under way; what it died of, if it did. */
  readonly ended: Promise<unknown>;
  stop(): Promise<void>;
}

export function startRole(
  world: World,
  name: string,
  params: Json,
  random: Random,
  trouble: Trouble = noTrouble,
): RunningRole {
  const role = lakehouse(params).roles.find((candidate) => candidate.name === name) as Role;
  const abort = new AbortController();
  const underWay = new Set<Promise<unknown>>();
  const ports = troublePorts(world.ports, random.fork('trouble'), trouble, underWay);
  let served: Partial<Plane> = {};
  let ready: (operations: Partial<Plane>) => void = () => {};
  const isReady = new Promise<Partial<Plane>>((resolve) => {
    ready = resolve;
  });
  const context: RoleContext = {
    ports,
    clock: world.clock,
    random: random.fork('role'),
    contract: createContract(world.info.contract),
    signal: abort.signal,
    ready: () => ready(served),
    async serve(operations) {
      served = operations;
    },
  };
  const ran = role.run(context);
  const serving = Promise.race([isReady, ran.then(() => Promise.reject(new Error(`role ${name} ended by itself`)))]);
  serving.catch(() => {});
  const ended = ran.then(
    () => undefined,
    async (error: unknown) => {
      while (underWay.size > 0) await Promise.allSettled(underWay);
      return abort.signal.aborted ? undefined : error;
    },
  );
  return {
    serving,
    ended,
    async stop() {
      abort.abort(new Error('stopped by the test'));
      await ended;
    },
  };
}

/** Chances in a thousand, at each call to a port. */
export interface Trouble {
  /** The call fails, without effect. */
  readonly failed: number;
  /** The answer is lost, with or without effect. */
  readonly indeterminate: number;
  /** The role dies, before or after the effect, and nothing that it does from then on has any. */
  readonly death: number;
}
export const noTrouble: Trouble = { failed: 0, indeterminate: 0, death: 0 };

export class Death extends Error {}

function troublePorts(ports: Ports, random: Random, trouble: Trouble, underWay: Set<Promise<unknown>>): Ports {
  let dead = false;
  const die = () => {
    dead = true;
    return new Death('killed by the test');
  };
  const trouble1000 = (chance: number) => chance > 0 && random.below(1000) < chance;
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    if (dead) throw new Death('dead');
    if (trouble1000(trouble.failed)) throw new CallError('failed', 'by the test');
    const dies = trouble1000(trouble.death);
    const lost = trouble1000(trouble.indeterminate);
    const takesEffect = !(dies || lost) || random.below(2) === 0;
    if (dies) dead = true;
    if (takesEffect) {
      const working = work();
      underWay.add(working);
      try {
        const result = await working;
        if (!dies && !lost) {
          if (dead) throw new Death('dead');
          return result;
        }
      } finally {
        underWay.delete(working);
      }
    }
    throw dies ? die() : new CallError('indeterminate', 'by the test');
  };
  const { changeLog, onlineStore, tables } = ports;
  return {
    changeLog: {
      ...changeLog,
      // Small slices, so that there are many micro-batches.
      read: (topic, partition, offset, limits) =>
        call(() => changeLog.read(topic, partition, offset, { ...limits, maxBytes: 1 })),
    },
    onlineStore: {
      ...onlineStore,
      put: (table, rows) => call(() => onlineStore.put(table, rows)),
      get: (table, keys) => call(() => onlineStore.get(table, keys)),
    },
    tables: {
      ...tables,
      create: (table, schema) => call(() => tables.create(table, schema)),
      append: (table, rows, txns) => call(() => tables.append(table, rows, txns)),
      txns: (table) => call(() => tables.txns(table)),
      snapshot: (table, version) => call(() => tables.snapshot(table, version)),
      fold: (spec) => call(() => tables.fold(spec)),
      compact: (table, options) => call(() => tables.compact(table, options)),
      vacuum: (table, options) => call(() => tables.vacuum(table, options)),
    },
    warehouse: ports.warehouse,
  };
}
