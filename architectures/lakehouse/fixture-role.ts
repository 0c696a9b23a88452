/** A role of the lakehouse run in the process of its test, on ports that can be made to fail and to die at any call. */
import type { Plane, Role, RoleContext } from '../../harness/architecture.js';
import { CallError } from '../../harness/errors.js';
import type { Json } from '../../harness/json.js';
import { testOrigin } from '../../harness/lineage/fixture-origin.js';
import type { Ports } from '../../harness/ports/ports.js';
import type { Random } from '../../harness/random.js';
import { createContract } from '../../workloads/data-contract.js';
import type { World } from '../fixture-world.js';
import lakehouse from './index.js';
import { changesTable, streamTxn } from './tables.js';

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
    origin: testOrigin(name, random.fork('run')),
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

/** True when the stream has committed all that the change log has. */
export async function isDrained(world: World): Promise<boolean> {
  const ends = await world.endOffsets();
  const txns = await world.ports.tables.txns(changesTable);
  return ends.every((end, partition) => (txns.get(streamTxn(partition)) ?? 0) === end);
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
      derive: (spec) => call(() => tables.derive(spec)),
      fold: (spec) => call(() => tables.fold(spec)),
      compact: (table, options) => call(() => tables.compact(table, options)),
      tier: (table, policy) => call(() => tables.tier(table, policy)),
      vacuum: (table, options) => call(() => tables.vacuum(table, options)),
    },
    warehouse: ports.warehouse,
  };
}
