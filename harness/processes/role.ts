/** A role of an architecture at work: loads the module, opens the ports, runs the role until it is told to stop. */
import type { ContractParams } from '../../workloads/data-contract.js';
import type { Operation, Plane, RoleContext } from '../architecture.js';
import { HarnessError } from '../errors.js';
import type { Json } from '../json.js';
import type { Origin } from '../lineage/origin.js';
import { type InjuredPort, injurePorts } from '../ports/injured.js';
import { createMeter, meterPorts, type PortCounts } from '../ports/metered.js';
import { seededRandom } from '../random.js';
import { contractOf, openPorts, type StackConnection, serveAt } from '../stacks/stack.js';
import type { ChildMain } from './child.js';
import { loadArchitecture } from './load-architecture.js';

export interface RoleInit {
  readonly specifier: string;
  readonly params: Json | undefined;
  readonly role: string;
  readonly connection: StackConnection;
  readonly contract: ContractParams;
  readonly seed: number;
  readonly origin: Origin;
  /** Where to serve, 0: anywhere. A restarted role gets its old port back. */
  readonly port: number;
  /** What its ports suffer from as it starts. */
  readonly injuries: readonly InjuredPort[];
  readonly countsEveryUs: number;
}

/** Reports of a role: where it serves what; and as `ports`, cumulative, what it has asked of them. */
export interface Serving {
  readonly operations: readonly Operation[];
  readonly port: number;
}
export type PortCountsReport = readonly PortCounts[];
/** The first call of this process that an injury has hurt, told at once. */
export interface Struck {
  readonly id: number;
  readonly operation: string;
}

export const runRole: ChildMain<RoleInit> = async (init, child) => {
  const meter = createMeter();
  const [architecture, opened] = await child.host(async () => [
    await loadArchitecture(init.specifier, init.params),
    await openPorts(
      init.connection,
      child.clock,
      (kind, bytes) => meter.count('objects', kind, 0, bytes),
      init.origin.runId,
    ),
  ]);
  const role = architecture.roles.find(({ name }) => name === init.role);
  if (!role) throw new HarnessError(`architecture ${architecture.name} has no role ${init.role}`);
  const reportCounts = () => child.report('ports', meter.counts() satisfies PortCountsReport);
  const known = new Set<number>();
  const injured = injurePorts(opened.ports, {
    // When the wire is hurt is told in event time, and what lasts must not seem longer because the role's clock was set.
    clock: child.clock.trueTime,
    random: seededRandom(init.seed, `/injuries/${init.role}`),
    onStruck({ id, port }, operation) {
      if (known.has(id)) return;
      known.add(id);
      child.report('struck', { id, operation: `${port}.${operation}` } satisfies Struck);
    },
  });
  injured.suffer(init.injuries);
  child.onTold((kind, body) => {
    if (kind === 'injuries') injured.suffer(body as readonly InjuredPort[]);
    if (kind === 'clock') child.report('clock', child.clock.nowUs());
  });
  const context: RoleContext = {
    ports: meterPorts(injured.ports, meter),
    clock: child.clock,
    random: seededRandom(init.seed, `/role/${init.role}`),
    contract: contractOf(init.connection, init.contract),
    origin: init.origin,
    signal: child.signal,
    ready: () => child.ready(null),
    async serve(operations: Partial<Plane>) {
      const port = await serveAt(init.connection, child.clock, operations, { port: init.port, signal: child.signal });
      child.report('serving', { operations: Object.keys(operations) as Operation[], port } satisfies Serving);
    },
  };
  const counting = (async () => {
    for (;;) {
      await child.clock.sleep(init.countsEveryUs, child.signal);
      reportCounts();
    }
  })().catch(() => {});
  try {
    await role.run(context);
  } finally {
    reportCounts();
  }
  if (!child.signal.aborted) {
    throw new HarnessError(`role ${init.role} ended by itself: a role runs until its signal aborts`);
  }
  await counting;
  await opened.close();
};
