/** The roles of a plane as processes, and the door to them. */
import { secondUs } from '../../workloads/durations.js';
import type { Operation } from '../architecture.js';
import { PlaneError } from '../errors.js';
import type { Json } from '../json.js';
import { type Build, drawRunId, hashConfiguration, type Origin } from '../lineage/origin.js';
import type { InjuredPort, PortInjury } from '../ports/injured.js';
import type { PortCounts } from '../ports/metered.js';
import type { PortName } from '../ports/ports.js';
import { seededRandom } from '../random.js';
import type { PortCounter } from '../record/facts.js';
import { measuredWindow, type RunPlan } from '../scenario.js';
import { connectTo } from '../stacks/plane-calls.js';
import { connectionOf, type Stack } from '../stacks/stack.js';
import type { ArchitectureDescription } from './describe-architecture.js';
import type { PlaneClient, Routes } from './endpoint.js';
import { type PortCountsReport, type RoleInit, runRole, type Serving, type Struck } from './role.js';
import type { Supervisor } from './supervisor.js';

export interface StartedPlane {
  readonly client: PlaneClient;
  routes(): Routes;
  /** From now on every role's calls to the port are hurt, those of a restarted role too, until it is healed. */
  injure(port: PortName, injury: PortInjury): InjuredPlane;
  /** By how much the clock of the role differs from the run's, as the role itself reads it; null: it does not say. */
  readClockOff(role: string): Promise<number | null>;
  portCounters(): PortCounter[];
}

export interface InjuredPlane {
  heal(): void;
  /** When the harness heard of the first call that was hurt: the role's own clock may be wrong. Null: none was. */
  firstStruck(): { readonly atUs: number; readonly saw: string } | null;
}

const roleModule = new URL('./role-process.js', import.meta.url);

/** From one report of a role's counts to the next, at time scale 1: a fortieth of the headline's window. */
const countsEveryUs = 30 * secondUs;

export async function startPlane(options: {
  supervisor: Supervisor;
  plan: RunPlan;
  architecture: ArchitectureDescription;
  stack: Stack;
  /** The code that its roles run. */
  build: Build;
}): Promise<StartedPlane> {
  const { supervisor, plan, architecture, stack } = options;
  const routes: Partial<Record<Operation, number>> = {};
  const servedBy = new Map<Operation, string>();
  const counters = new Map<string, RoleCounts>();

  const injuries = createInjuries((injured) => {
    for (const { name } of architecture.roles) supervisor.send(name, 'injuries', injured);
  });
  const clocks = createClockReadings(supervisor);

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
    architecture.roles.map(({ name: role, priority }) => {
      const counts = countRole(measuredWindow(plan.scenario));
      counters.set(role, counts);
      let port = 0;
      const originOf = originsOf(options, role);
      return supervisor.start({
        name: role,
        kind: 'role',
        priority,
        module: roleModule,
        main: runRole,
        restart: true,
        init: (): RoleInit => {
          counts.restart();
          return {
            specifier: plan.arm.specifier,
            params: plan.arm.params,
            role,
            connection: connectionOf(stack, role),
            contract: plan.scenario.workload.contract,
            seed: plan.seed,
            origin: originOf(),
            port,
            injuries: injuries.active(),
            countsEveryUs: Math.ceil(countsEveryUs / plan.scenario.timeScale),
          };
        },
        onReport(kind, body) {
          if (kind === 'struck') injuries.struck(role, body as Struck, supervisor.clock.nowUs());
          if (kind === 'clock') clocks.read(role, body as number);
          if (kind === 'ports') counts.report(supervisor.clock.nowUs(), body as PortCountsReport);
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
    client: connectTo(stack.connection, supervisor.clock, routes),
    routes: () => routes,
    injure: injuries.add,
    readClockOff: clocks.ask,
    portCounters: () =>
      [...counters].flatMap(([role, counts]) => counts.total().map((counter) => ({ role, ...counter }))),
  };
}

/** Of each start of a role: another run, of the same code with the same configuration. */
function originsOf({ plan, architecture, build }: Parameters<typeof startPlane>[0], role: string): () => Origin {
  const { name, params } = architecture;
  const configurationSha256 = hashConfiguration(params as Json, plan.scenario.workload.contract);
  let starts = 0;
  return () => {
    const runId = drawRunId(seededRandom(plan.seed, `/run/${plan.id}/${role}/${++starts}`));
    return { architecture: name, role, runId, build, configurationSha256 };
  };
}

interface Injuries {
  add: StartedPlane['injure'];
  active(): readonly InjuredPort[];
  struck(role: string, struck: Struck, atUs: number): void;
}

/** `tell` is told all of them whenever one has come or gone. */
function createInjuries(tell: (injuries: readonly InjuredPort[]) => void): Injuries {
  const active = new Map<number, InjuredPort>();
  /** Of injuries that only one role can have met. */
  const aims = new Map<number, string>();
  const first = new Map<number, { readonly atUs: number; readonly saw: string }>();
  let ids = 0;
  return {
    add(port, injury) {
      const id = ids++;
      active.set(id, { id, port, injury });
      if (injury.kind === 'outside' && injury.role !== undefined) aims.set(id, injury.role);
      tell([...active.values()]);
      return {
        heal() {
          if (active.delete(id)) tell([...active.values()]);
        },
        firstStruck: () => first.get(id) ?? null,
      };
    },
    active: () => [...active.values()],
    struck(role, { id, operation }, atUs) {
      const aimedAt = aims.get(id);
      if (aimedAt !== undefined && aimedAt !== role) return;
      if (!first.has(id)) first.set(id, { atUs, saw: `${role} met it in ${operation}` });
    },
  };
}

/** For a role to say what time it has. */
const readWithinUs = 1_000_000;

function createClockReadings({ clock, send }: Supervisor) {
  const waiting = new Map<string, (nowUs: number) => void>();
  return {
    read(role: string, nowUs: number) {
      waiting.get(role)?.(nowUs);
    },
    async ask(role: string): Promise<number | null> {
      const reading = new Promise<number>((resolve) => waiting.set(role, (nowUs) => resolve(nowUs - clock.nowUs())));
      send(role, 'clock', null);
      const offUs = await Promise.race([reading, clock.sleep(readWithinUs).then(() => null)]);
      waiting.delete(role);
      return offUs;
    },
  };
}

interface RoleCounts {
  /** At the time of the run: the role's own clock may be wrong. */
  report(atUs: number, counts: PortCountsReport): void;
  /** The next report comes from a new process that counts from zero. */
  restart(): void;
  total(): Omit<PortCounter, 'role'>[];
}

/** Cumulative counts of a role are sampled at the edges of the window: each edge has the last report before it. */
function countRole(window: { readonly startUs: number; readonly endUs: number }): RoleCounts {
  const finished: (readonly PortCounts[])[] = [];
  let current: readonly PortCounts[] = [];
  let atStart = new Map<string, PortCounts>();
  let atEnd = new Map<string, PortCounts>();

  function sum(): Map<string, PortCounts> {
    const sums = new Map<string, PortCounts>();
    for (const counter of [...finished, current].flat()) {
      const key = keyOf(counter);
      const before = sums.get(key);
      sums.set(key, {
        ...counter,
        calls: counter.calls + (before?.calls ?? 0),
        rows: counter.rows + (before?.rows ?? 0),
        bytes: counter.bytes + (before?.bytes ?? 0),
      });
    }
    return sums;
  }

  return {
    report(atUs, counts) {
      current = counts;
      if (atUs > window.endUs) return;
      atEnd = sum();
      if (atUs <= window.startUs) atStart = atEnd;
    },
    restart() {
      finished.push(current);
      current = [];
    },
    total: () =>
      [...sum()].map(([key, counter]) => ({
        ...counter,
        windowCalls: (atEnd.get(key)?.calls ?? 0) - (atStart.get(key)?.calls ?? 0),
      })),
  };
}

const keyOf = ({ port, operation, probe }: PortCounts) => `${port} ${operation} ${probe}`;
