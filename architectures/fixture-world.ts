/**
 * A small world for tests of planes: a generated trace, the real embedded change log, online store and tables, and what
 * a plane must make of it all.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, monotonicNs, systemClock } from '../harness/clock.js';
import { connectChangeLog } from '../harness/ports/change-log/embedded.js';
import { startChangeLogServer } from '../harness/ports/change-log/embedded-process.js';
import type { IntValues } from '../harness/ports/columns.js';
import { connectOnlineStore } from '../harness/ports/online-store/embedded.js';
import { startOnlineStoreServer } from '../harness/ports/online-store/embedded-process.js';
import type { Ports } from '../harness/ports/ports.js';
import { openTableStore } from '../harness/ports/table-store/embedded.js';
import { opNames, tableNames, viewBlock } from '../workloads/change-batch.js';
import { createContract, type DataContract, refusals } from '../workloads/data-contract.js';
import { secondUs } from '../workloads/durations.js';
import { historySchemas } from '../workloads/fact-schemas.js';
import { smallWorkload } from '../workloads/fixture-workload.js';
import { historyFiles, readEntries, type TraceInfo, tracePaths } from '../workloads/trace.js';
import { generateTrace } from '../workloads/trace-generation.js';
import { type PlainChange, plainChange } from './fixture-brute-force.js';

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
  const directory = await mkdtemp(join(tmpdir(), 'plane-'));
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
