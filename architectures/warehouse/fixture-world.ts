/**
 * A small world for tests of the roles: a generated trace, the real embedded servers, roles run in this process on ports
 * that can be made to fail, and to die, at any call.
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Plane, Role, RoleContext } from '../../harness/architecture.js';
import { type Clock, monotonicNs, systemClock } from '../../harness/clock.js';
import { CallError } from '../../harness/errors.js';
import type { Json } from '../../harness/json.js';
import { type Oracle, openOracle } from '../../harness/ledger/oracle.js';
import { testOrigin } from '../../harness/lineage/fixture-origin.js';
import { connectChangeLog } from '../../harness/ports/change-log/embedded.js';
import { startChangeLogServer } from '../../harness/ports/change-log/embedded-process.js';
import type { Ports } from '../../harness/ports/ports.js';
import { openTableStore } from '../../harness/ports/table-store/embedded.js';
import { connectWarehouse } from '../../harness/ports/warehouse/embedded.js';
import { startWarehouseServer } from '../../harness/ports/warehouse/embedded-process.js';
import { type Random, seededRandom } from '../../harness/random.js';
import { viewBlock } from '../../workloads/change-batch.js';
import { createContract, type DataContract, refusals } from '../../workloads/data-contract.js';
import { secondUs } from '../../workloads/durations.js';
import { smallWorkload } from '../../workloads/fixture-workload.js';
import { readEntries, type TraceInfo, tracePaths } from '../../workloads/trace.js';
import { generateTrace } from '../../workloads/trace-generation.js';
import warehouse from './index.js';

/** Shortly before a full hour, so that tiles of all sizes end while the changes come. */
const epochUs = 1_768_478_400 * secondUs - 2 * secondUs;
const durationUs = 3 * secondUs;

export interface World {
  readonly ports: Ports;
  readonly clock: Clock;
  readonly contract: DataContract;
  readonly info: TraceInfo;
  readonly oracle: Oracle;
  readonly traceDirectory: string;
  readonly warehouseDirectory: string;
  readonly truth: Truth;
  /** How many entries the trace has. */
  readonly entries: number;
  /** Appends entries `from` to `to` of the trace to the change log. */
  append(from: number, to: number): Promise<void>;
  /** The warehouse's server dies without warning and is started again. */
  killWarehouse(): Promise<void>;
  close(): Promise<void>;
}

export interface Truth {
  /** `customer/seq` of every sound change. */
  readonly sound: readonly string[];
  /** `customer/seq` of every copy that must be refused, and of each the reasons that are right. */
  readonly refused: readonly string[];
  readonly reasons: ReadonlyMap<string, ReadonlySet<string>>;
  /** Per customer, the seq of his last change. */
  readonly lastSeqs: readonly number[];
}

export async function openWorld(seed: number, customers = 60): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'warehouse-plane-'));
  const traceDirectory = join(directory, 'trace');
  const warehouseDirectory = join(directory, 'warehouse');
  const workload = smallWorkload({ customers, lullUs: 60 * secondUs });
  const info = await generateTrace({ workload, seed, epochUs, durationUs, directory: traceDirectory });
  const clock = systemClock({ epochUs: epochUs + durationUs, zeroNs: monotonicNs() });
  const changeLogServer = await startChangeLogServer({ directory: join(directory, 'change-log'), port: 0 });
  const settings = { directory: warehouseDirectory, threads: 1, readers: 2 };
  let warehouseServer = await startWarehouseServer({ ...settings, port: 0 });
  const { port } = warehouseServer;
  const ports = {
    changeLog: connectChangeLog({ port: changeLogServer.port }),
    warehouse: connectWarehouse({ port }),
    tables: openTableStore({ directory: join(directory, 'tables'), clock }),
  };
  const contract = createContract(info.contract);
  const entries: { readonly partition: number; readonly block: Uint8Array }[] = [];
  for await (const { partition, block } of readEntries(traceDirectory)) {
    entries.push({ partition, block: block.slice() });
  }
  await ports.changeLog.createTopic(contract.topic, contract.partitions);
  const oracle = await openOracle(traceDirectory);
  return {
    ports: ports as unknown as Ports,
    clock,
    contract,
    info,
    oracle,
    traceDirectory,
    warehouseDirectory,
    truth: await readTruth(traceDirectory, contract, entries),
    entries: entries.length,
    async append(from, to) {
      for (const { partition, block } of entries.slice(from, to)) {
        await ports.changeLog.append(contract.topic, partition, [block]);
      }
    },
    async killWarehouse() {
      warehouseServer.child.signal('SIGKILL');
      await warehouseServer.child.exited;
      warehouseServer = await startWarehouseServer({ ...settings, port });
    },
    async close() {
      await Promise.all(Object.values(ports).map((open) => open.close()));
      await Promise.all([changeLogServer.child.stop(), warehouseServer.child.stop()]);
      await rm(directory, { recursive: true });
    },
  };
}

async function readTruth(
  directory: string,
  contract: DataContract,
  entries: readonly { readonly block: Uint8Array }[],
): Promise<Truth> {
  const marks = await readFile(tracePaths(directory).truth);
  const sound: string[] = [];
  const refused: string[] = [];
  const reasons = new Map<string, Set<string>>();
  const lastSeqs = new Array<number>(contract.customers).fill(0);
  let at = 0;
  for (const { block } of entries) {
    const { count, customer, seq } = viewBlock(block);
    for (let i = 0; i < count; i++, at++) {
      const key = `${customer[i]}/${seq[i]}`;
      const mark = refusals[marks[at]!]!;
      lastSeqs[customer[i]!] = Math.max(lastSeqs[customer[i]!]!, seq[i]!);
      if (mark === '') {
        sound.push(key);
        continue;
      }
      refused.push(key);
      reasons.set(key, (reasons.get(key) ?? new Set()).add(mark));
    }
  }
  return { sound: sound.sort(), refused: refused.sort(), reasons, lastSeqs };
}

export class Death extends Error {
  override readonly name = 'Death';
}

/** What goes wrong at a port call: it dies before or after it took effect, or is refused or lost. */
export type Trouble = 'death before' | 'death after' | 'failed' | 'indeterminate' | null;

/** Ports on which `trouble` is asked before every call. A dead role hears nothing any more. */
export function troubledPorts(ports: Ports, trouble: () => Trouble): Ports {
  let dead = false;
  const troubled = <P extends object>(port: P): P =>
    new Proxy(port, {
      get(target, method, receiver) {
        const call = Reflect.get(target, method, receiver) as (...given: unknown[]) => unknown;
        if (typeof call !== 'function' || method === 'readParquet' || method === 'scan') return call;
        return async (...given: unknown[]) => {
          const kind = dead ? 'death before' : trouble();
          if (kind === 'death before' || kind === 'death after') dead = true;
          if (kind === 'death before') throw new Death();
          if (kind === 'failed') throw new CallError('failed', 'made to fail');
          const answer = await call.apply(target, given);
          if (kind === 'death after') throw new Death();
          if (kind === 'indeterminate') throw new CallError('indeterminate', 'made to be lost');
          return answer;
        };
      },
    });
  return {
    changeLog: troubled(ports.changeLog),
    warehouse: troubled(ports.warehouse),
    tables: troubled(ports.tables),
  } as unknown as Ports;
}

export interface RunningRole {
  /** What it serves, when it is ready. */
  readonly serving: Promise<Partial<Plane>>;
  /** The error that it ended with. */
  readonly ended: Promise<unknown>;
  stop(): Promise<void>;
}

/** Each start is another run. */
let starts = 0;

export function startRole(
  world: World,
  name: string,
  options: { readonly params?: Json; readonly ports?: Ports; readonly random?: Random } = {},
): RunningRole {
  const role = warehouse(options.params).roles.find((candidate) => candidate.name === name) as Role;
  const stop = new AbortController();
  let served: Partial<Plane> = {};
  let ready: (plane: Partial<Plane>) => void = () => {};
  const serving = new Promise<Partial<Plane>>((resolve) => {
    ready = resolve;
  });
  const context: RoleContext = {
    ports: options.ports ?? world.ports,
    clock: world.clock,
    random: options.random ?? seededRandom(1),
    contract: createContract(world.info.contract),
    origin: testOrigin(name, seededRandom(++starts, '/run')),
    signal: stop.signal,
    ready: () => ready(served),
    async serve(operations) {
      served = { ...served, ...operations };
    },
  };
  const ended = role.run(context).then(
    () => null,
    (error: unknown) => error,
  );
  return {
    serving,
    ended,
    async stop() {
      stop.abort(new Error('stopped'));
      await ended;
    },
  };
}
