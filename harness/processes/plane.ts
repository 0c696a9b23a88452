/** The roles of a plane as processes, and the door to them. */
import type { Operation } from '../architecture.js';
import { PlaneError } from '../errors.js';
import type { PortCounter } from '../record/facts.js';
import type { RunPlan } from '../scenario.js';
import { openDoor, type Stack } from '../stacks/stack.js';
import type { ArchitectureDescription } from './describe-architecture.js';
import type { PlaneClient, Routes } from './endpoint.js';
import { type PortCountsReport, type RoleInit, runRole, type Serving } from './role.js';
import type { Supervisor } from './supervisor.js';

export interface StartedPlane {
  readonly client: PlaneClient;
  routes(): Routes;
  portCounters(): PortCounter[];
}

const roleModule = new URL('./role-process.js', import.meta.url);

export async function startPlane(options: {
  supervisor: Supervisor;
  plan: RunPlan;
  architecture: ArchitectureDescription;
  stack: Stack;
}): Promise<StartedPlane> {
  const { supervisor, plan, architecture, stack } = options;
  const routes: Partial<Record<Operation, number>> = {};
  const servedBy = new Map<Operation, string>();
  const counters = new Map<string, RoleCounts>();

  // Heard of in a listener, where nobody would catch an error: told when the roles have started.
  let conflict: string | undefined;
  const onServing = (role: string, { operations, port }: Serving) => {
    for (const operation of operations) {
      const other = servedBy.get(operation);
      if (other !== undefined && other !== role) {
        conflict ??= `${operation} is served by two roles, ${other} and ${role}: each operation needs exactly one`;
        continue;
      }
      servedBy.set(operation, role);
      routes[operation] = port;
    }
  };

  await Promise.all(
    architecture.roles.map(({ name: role, background }) => {
      const counts = countRole();
      counters.set(role, counts);
      let port = 0;
      return supervisor.start({
        name: role,
        kind: 'role',
        background,
        module: roleModule,
        main: runRole,
        restart: true,
        init: (): RoleInit => {
          counts.restart();
          return {
            specifier: plan.arm.specifier,
            params: plan.arm.params,
            role,
            connection: stack.connection,
            contract: plan.scenario.workload.contract,
            seed: plan.seed,
            port,
          };
        },
        onReport(kind, body) {
          if (kind === 'ports') counts.report(body as PortCountsReport);
          if (kind === 'serving') {
            onServing(role, body as Serving);
            port = (body as Serving).port;
          }
        },
      });
    }),
  );
  if (conflict !== undefined) throw new PlaneError(`${architecture.name}: ${conflict}`);
  if (routes.lookup === undefined)
    throw new PlaneError(`no role of ${architecture.name} serves lookup: there is nothing to measure`);
  return {
    client: openDoor(stack.connection, supervisor.clock).connect(routes),
    routes: () => routes,
    portCounters: () =>
      [...counters].flatMap(([role, counts]) => counts.total().map((counter) => ({ role, ...counter }))),
  };
}

interface RoleCounts {
  report(counts: PortCountsReport): void;
  /** The next report comes from a new process that counts from zero. */
  restart(): void;
  total(): PortCountsReport;
}

function countRole(): RoleCounts {
  const finished: PortCountsReport[] = [];
  let current: PortCountsReport = [];
  return {
    report(counts) {
      current = counts;
    },
    restart() {
      finished.push(current);
      current = [];
    },
    total() {
      const sums = new Map<string, PortCountsReport[number]>();
      for (const counter of [...finished, current].flat()) {
        const key = `${counter.port} ${counter.operation} ${counter.probe}`;
        const sum = sums.get(key) ?? { ...counter, calls: 0, rows: 0, bytes: 0 };
        sums.set(key, {
          ...sum,
          calls: sum.calls + counter.calls,
          rows: sum.rows + counter.rows,
          bytes: sum.bytes + counter.bytes,
        });
      }
      return [...sums.values()];
    },
  };
}
