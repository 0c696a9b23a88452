/**
 * Everything outside a simulated process: the ports and the doors of the plane, each with its service times, and the
 * tasks that wait for them. What crosses is copied as a network would copy it; a dead task hears no answer.
 */
import type { ContractParams, DataContract } from '../../workloads/data-contract.js';
import { type Clock, clockOf } from '../clock.js';
import { CallError } from '../errors.js';
import { simulateChangeLog } from '../ports/change-log/simulated.js';
import type { ColumnBatch } from '../ports/columns.js';
import { simulateOnlineStore } from '../ports/online-store/simulated.js';
import { type PortName, type Ports, portNames, streams } from '../ports/ports.js';
import type { CountRequest } from '../ports/table-store/object-requests.js';
import { simulateTableStore } from '../ports/table-store/simulated.js';
import { simulateWarehouse } from '../ports/warehouse/simulated.js';
import type { StoredBytes } from '../record/facts.js';
import { type ContractMemory, createContractMemory } from './contract-memory.js';
import type { Costs } from './costs.js';
import { createDoor, type SimulatedDoor } from './door.js';
import { createResource, type Resource } from './resource.js';
import type { Task, VirtualTime } from './virtual-time.js';

export interface World {
  readonly time: VirtualTime;
  /** Event time of the servers. */
  nowUs(): number;
  readonly door: SimulatedDoor;
  /** Begins a process: its clock tells who calls. `processor` serves its own work, one piece at a time. */
  begin(name: string, nowUs: () => number): SimulatedProcess;
  /** Ports as seen by the process that has this clock. */
  openPorts(clock: Clock, onRequest?: CountRequest, run?: string | undefined): Ports;
  contractOf(params: ContractParams): DataContract;
  processOf(clock: Clock): SimulatedProcess;
  /** Called with every process that begins: where tests place their crashes. */
  onBegin: (process: SimulatedProcess) => void;
  /** The server behind the port is gone, or back: calls find nobody, and those in flight hear no answer. */
  setDown(port: PortName, isDown: boolean): void;
  /** All that the online store holds is gone. */
  emptyOnlineStore(): void;
  /** Service time that each server has spent so far. */
  servers(): readonly { readonly name: string; readonly busyUs: number }[];
  /** Everything that the ports hold, for the search of personal data. */
  stored(): Iterable<Uint8Array | string>;
  /** What that takes, by port. */
  storedBytes(): Required<StoredBytes>;
}

export interface SimulatedProcess {
  readonly name: string;
  readonly task: Task;
  readonly clock: Clock;
  readonly processor: Resource;
  /**
   * Called before each wait for a port, with its number from 1 on, and after the answer has come (`answered`): where a
   * crash can strike. The process does not go on when it was killed there.
   */
  onWait?: (number: number, answered: boolean) => void;
}

export function createWorld(options: {
  readonly time: VirtualTime;
  readonly nowUs: () => number;
  readonly costs: Costs;
  /** Columns of a Parquet file that was read before the simulation began. */
  readonly parquet: (path: string) => readonly ColumnBatch[];
  /** What planes that read the same trace before it have decoded; absent: this is the first. */
  readonly contracts?: ContractMemory;
}): World {
  const { time, costs, parquet, contracts = createContractMemory() } = options;
  // Of the servers: time goes on for them, whoever dies.
  const clock = clockOf(options.nowUs, (durationUs, callback) => time.after(durationUs, callback));
  // Event time stands still before the load begins; work does not, or whoever waits for it would ask again and again.
  const working = clockOf(time.nowUs, (durationUs, callback) => time.after(durationUs, callback));
  const resources = {
    changeLog: createResource({ clock: working, costs: costs.changeLog }),
    onlineStore: createResource({ clock: working, costs: costs.onlineStore }),
    tables: createResource({ clock: working, costs: costs.tables }),
    warehouse: createResource({ clock: working, costs: costs.warehouse }),
  };
  const servers = {
    changeLog: simulateChangeLog({ clock, resource: resources.changeLog }),
    onlineStore: simulateOnlineStore({ clock, resource: resources.onlineStore }),
    tables: simulateTableStore({ clock, resource: resources.tables, parquet, host: time.host }),
    warehouse: simulateWarehouse({ resource: resources.warehouse, parquet, host: time.host }),
  };
  const outages = Object.fromEntries(portNames.map((name) => [name, createOutage()])) as Record<PortName, Outage>;
  const processes = new WeakMap<Clock, SimulatedProcess>();
  const processOf = (of: Clock): SimulatedProcess => {
    const process = processes.get(of);
    if (!process) throw new Error('this clock belongs to no process of the simulation');
    return process;
  };
  const world: World = {
    time,
    nowUs: options.nowUs,
    door: createDoor({ time, clock: working, costs, processOf }),
    begin(name, nowUs) {
      const task = time.task(name);
      const own = clockOf(nowUs, (durationUs, callback) => time.after(durationUs, callback, task));
      const process: SimulatedProcess = {
        name,
        task,
        clock: own,
        processor: createResource({ clock: working, costs: costs.role }),
      };
      processes.set(own, process);
      world.onBegin(process);
      return process;
    },
    openPorts(of, onRequest = () => {}, run) {
      const process = processOf(of);
      return {
        changeLog: through(process, 'changeLog', servers.changeLog, outages.changeLog),
        onlineStore: through(process, 'onlineStore', servers.onlineStore, outages.onlineStore),
        tables: through(process, 'tables', servers.tables.connect(process.clock, onRequest, run), outages.tables),
        warehouse: through(process, 'warehouse', servers.warehouse, outages.warehouse),
      };
    },
    contractOf: contracts.contractOf,
    processOf,
    onBegin: () => {},
    emptyOnlineStore() {
      servers.onlineStore.empty();
      // What it was about to do when it died was done to the store that is lost.
      time.after(0, () => servers.onlineStore.empty());
    },
    setDown(port, isDown) {
      outages[port].set(isDown);
      // Whether what it was doing is done: as good as a coin, and of one seed the same.
      if (isDown) resources[port].die(time.nowUs() % 2 === 0);
    },
    servers: () => Object.entries(resources).map(([name, resource]) => ({ name, busyUs: resource.busyUs() })),
    *stored() {
      for (const server of [servers.onlineStore, servers.tables, servers.warehouse]) yield* server.stored();
    },
    storedBytes: () => ({
      onlineStore: allHot(servers.onlineStore.storedBytes()),
      tables: servers.tables.storedBytes(),
      warehouse: allHot(servers.warehouse.storedBytes()),
    }),
  };
  return world;
}

const allHot = (hot: number) => ({ hot, warm: 0, cold: 0 });

interface Outage {
  set(isDown: boolean): void;
  /** What `work` answers, if the server stays there until then. */
  whileUp<T>(what: string, work: () => Promise<T>): Promise<T>;
}

function createOutage(): Outage {
  let down = false;
  const hangUps = new Set<() => void>();
  return {
    set(isDown) {
      down = isDown;
      if (isDown) for (const hangUp of [...hangUps]) hangUp();
    },
    whileUp<T>(what: string, work: () => Promise<T>): Promise<T> {
      if (down) return Promise.reject(new CallError('failed', `${what}: no connection could be made`));
      return new Promise<T>((resolve, reject) => {
        const hangUp = () => settle(() => reject(new CallError('indeterminate', `${what}: the connection was lost`)));
        const settle = (tell: () => void) => {
          hangUps.delete(hangUp);
          tell();
        };
        hangUps.add(hangUp);
        work().then(
          (value) => settle(() => resolve(value)),
          (error: unknown) => settle(() => reject(error)),
        );
      });
    },
  };
}

/** A port as one process sees it: each call takes its turn at the server, then at the process's own processor. */
function through<Port extends object>(process: SimulatedProcess, name: PortName, server: Port, outage: Outage): Port {
  const calls = new Map<string, unknown>();
  let waits = 0;
  const wait = <T>(what: string, work: () => Promise<T>, bytes: number): Promise<T> => {
    const number = ++waits;
    process.onWait?.(number, false);
    const answer = process.task.wait(what, async () => {
      // What is sent is taken at once, as a caller may use its memory again.
      const value = await outage.whileUp(what, work);
      await process.processor.use('call', 0, bytes);
      return value;
    });
    if (!process.onWait) return answer;
    return answer.then((value) => {
      process.onWait?.(number, true);
      return process.task.wait(what, () => Promise.resolve(value));
    });
  };
  const wrap = (operation: string, call: (...args: unknown[]) => unknown) => {
    const what = `${name}.${operation}`;
    if (operation === 'close') return async () => {};
    if (!streams.has(what)) {
      return (...args: unknown[]) =>
        wait(what, () => call.apply(server, args) as Promise<unknown>, operation === 'append' ? bytesOf(args[2]) : 0);
    }
    return async function* (...args: unknown[]) {
      const pages = (call.apply(server, args) as AsyncIterable<unknown>)[Symbol.asyncIterator]();
      for (;;) {
        const page = await wait(what, () => pages.next(), 0);
        if (page.done) return;
        yield page.value;
      }
    };
  };
  return new Proxy(server, {
    get(target, operation) {
      const value = Reflect.get(target, operation) as unknown;
      if (typeof operation !== 'string' || typeof value !== 'function') return value;
      const known = calls.get(operation) ?? wrap(operation, value as (...args: unknown[]) => unknown);
      calls.set(operation, known);
      return known;
    },
    // A port is taken apart with {...port} by those who count what is asked of it.
    ownKeys: (target) => Reflect.ownKeys(target),
  });
}

function bytesOf(blocks: unknown): number {
  if (!Array.isArray(blocks)) return 0;
  let bytes = 0;
  for (const block of blocks) if (block instanceof Uint8Array) bytes += block.length;
  return bytes;
}
