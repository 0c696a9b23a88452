/** Faults that cannot have been meant so are refused before anything starts, with what would be right. */
import type { DescribedArms } from './arms.js';
import { messageOf, UsageError } from './errors.js';
import { scheduleFaults, supportOf } from './injection.js';
import { nearest } from './nearest.js';
import { resolveParams } from './params.js';
import type { ArchitectureDescription } from './processes/describe-architecture.js';
import type { FaultPlan, RunPlan, Scenario } from './scenario.js';
import { awayUs, faultFields, lastsUs, scheduleFields } from './suites/fault-defaults.js';

type Architecture = ArchitectureDescription & { readonly label: string };

/** Throws a UsageError that names everything that is wrong. */
export function refuseFaultPlans(plans: readonly RunPlan[], described: DescribedArms): void {
  const problems = new Set<string>();
  const scenarios = new Map(plans.map(({ scenario }) => [scenario.name, scenario]));
  for (const scenario of scenarios.values()) {
    const own = plans.filter((plan) => plan.scenario.name === scenario.name);
    const seeds = [...new Set(own.map(({ seed }) => seed))];
    const architectures = own.flatMap(({ arm }) => {
      const description = described.get(arm);
      return description && !('code' in description) ? [{ ...description, label: arm.architecture }] : [];
    });
    for (const problem of problemsOf(scenario, seeds, architectures)) problems.add(`  ${scenario.name}: ${problem}`);
  }
  if (problems.size === 0) return;
  throw new UsageError(`faults that cannot be injected as planned:\n${[...problems].join('\n')}`);
}

/** Each kind of problem is looked for only where those before it are not: they would follow from them. */
function problemsOf(scenario: Scenario, seeds: readonly number[], architectures: readonly Architecture[]): string[] {
  const malformed = scenario.faults.flatMap(malformation);
  if (malformed.length > 0) return malformed;
  const misaimed = misaimedFaults(scenario, architectures);
  if (misaimed.length > 0) return misaimed;
  const missed = missedPartitions(scenario);
  if (missed.length > 0) return missed;
  return seeds.flatMap((seed) => {
    try {
      const windows = scheduleFaults(scenario, seed);
      const mistimed = mistimedFaults(scenario, windows);
      return mistimed.length > 0 ? mistimed : overlappingFaults(scenario, windows, architectures);
    } catch (error) {
      // A schedule that cannot be.
      if (error instanceof UsageError) return [error.message];
      throw error;
    }
  });
}

type Windows = ReturnType<typeof scheduleFaults>;

function malformation({ kind, schedule, ...spec }: FaultPlan): string[] {
  try {
    resolveParams(kind, faultFields[kind], spec);
    resolveParams(`${kind}.schedule`, scheduleFields[schedule.kind], { ...schedule });
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
}

/** At a role that no plane has; at a port that none uses, unless another fault of the scenario strikes. */
function misaimedFaults(scenario: Scenario, architectures: readonly Architecture[]): string[] {
  if (architectures.length === 0) return [];
  const strikes = (plan: FaultPlan) =>
    architectures.some((architecture) => 'target' in supportOf(plan, scenario, architecture));
  const anyStrikes = scenario.faults.some(strikes);
  return scenario.faults.flatMap((plan) => {
    if (strikes(plan)) return [];
    const isThere = (one: Architecture, role: string) => one.roles.some(({ name }) => name === role);
    if ('role' in plan && plan.role !== undefined && !architectures.some((one) => isThere(one, plan.role as string))) {
      const names = architectures.flatMap(({ roles }) => roles.map(({ name }) => name));
      const there = listed(architectures, ({ roles }) => roles.map(({ name }) => name));
      return [
        `${plan.kind} is aimed at the role ${plan.role}, which no plane has; did you mean ${nearest(plan.role, names)}? Roles: ${there}`,
      ];
    }
    if ('port' in plan && !anyStrikes && !architectures.some(({ uses }) => uses.includes(plan.port))) {
      const there = listed(architectures, ({ uses }) => uses);
      return [`${plan.kind} is aimed at the port ${plan.port}, which no plane uses. Ports in use: ${there}`];
    }
    return [];
  });
}

function missedPartitions({ faults, workload }: Scenario): string[] {
  const { topic, partitions } = workload.contract;
  return faults.flatMap((plan) =>
    'partition' in plan && plan.partition >= partitions
      ? [
          `${plan.kind} is aimed at partition ${plan.partition} of ${topic}, which has partitions 0 to ${partitions - 1}. Name one of those`,
        ]
      : [],
  );
}

function listed(architectures: readonly Architecture[], names: (one: Architecture) => readonly string[]): string {
  const lines = [...architectures].sort(byLabel).map((one) => `${one.label} has ${names(one).join(', ') || 'none'}`);
  return [...new Set(lines)].join('; ');
}

const byLabel = (a: Architecture, b: Architecture) => (a.label < b.label ? -1 : 1);

function mistimedFaults(scenario: Scenario, windows: Windows): string[] {
  const { epochUs, phases, slo } = scenario;
  const phaseStartUs = epochUs + phases.warmUpUs + phases.measureUs;
  const loadEndUs = phaseStartUs + phases.faultUs;
  const never = scenario.faults.flatMap((plan, fault) =>
    windows.some((window) => window.fault === fault)
      ? []
      : [
          `${plan.kind} never strikes: it does not fit into the fault phase of ${seconds(phases.faultUs)}. Let it begin earlier, or last less long`,
        ],
  );
  if (never.length > 0) return never;
  const ends = windows.map(({ plan, window }) => ({ plan, endUs: window.atUs + lastsUs(plan) }));
  const late = ends.filter(({ endUs }) => endUs > loadEndUs);
  if (late.length > 0) {
    return late.map(
      ({ plan, endUs }) =>
        `${plan.kind} would end ${seconds(endUs - phaseStartUs)} into the fault phase, when the load has ended after ${seconds(phases.faultUs)}. Let it begin earlier, or last less long`,
    );
  }
  const last = ends.sort((a, b) => a.endUs - b.endUs).at(-1);
  if (last === undefined || loadEndUs - last.endUs >= slo.holdUs) return [];
  return [
    `the SLO must hold for ${seconds(slo.holdUs)} to count as regained, but after the last fault (${last.plan.kind}) the plane is watched for ${seconds(loadEndUs - last.endUs)} only. Let it begin earlier, or last less long`,
  ];
}

/** By kinds that stop a server and start it again, what it is. */
const takenDown: Partial<Readonly<Record<FaultPlan['kind'], string>>> = {
  'change-log-outage': 'change log',
  'leader-kill': 'change log',
  'online-store-outage': 'online store',
  'online-store-loss': 'online store',
};

/** Of one kind, on one target, at one time: whatever was seen could be of either. Of one server: the first to end ends both. */
function overlappingFaults(scenario: Scenario, windows: Windows, architectures: readonly Architecture[]): string[] {
  return architectures.flatMap((architecture) => {
    const struck = windows
      .flatMap(({ plan, window }) => {
        const support = supportOf(plan, scenario, architecture);
        if (!('target' in support)) return [];
        // A role that was killed is away until it is started again.
        const restartUs = plan.kind === 'role-crash' || plan.kind === 'crash-loop' ? scenario.restartDelayUs : 0;
        const endUs = window.atUs + lastsUs(plan) + Math.max(restartUs, awayUs(plan));
        const server = takenDown[plan.kind];
        return [{ what: `${plan.kind} of ${support.target}`, server, atUs: window.atUs, endUs }];
      })
      .sort((a, b) => a.atUs - b.atUs);
    return struck.flatMap((one, i) => {
      const others = struck.slice(i + 1).filter(({ atUs }) => atUs < one.endUs);
      const other = others.find(({ what }) => what === one.what);
      const rival = others.find(
        ({ what, server }) => what !== one.what && server !== undefined && server === one.server,
      );
      if (rival !== undefined)
        return [
          `${rival.what} begins ${seconds(one.endUs - rival.atUs)} before ${one.what} is over: the one would bring up the server that the other has taken down. Let them begin at least ${seconds(one.endUs - one.atUs)} apart`,
        ];
      return other === undefined
        ? []
        : [
            `${one.what} begins again ${seconds(other.atUs - one.atUs)} after it has begun and ${seconds(one.endUs - other.atUs)} before it is over: the two could not be told apart. Let them begin at least ${seconds(one.endUs - one.atUs)} apart`,
          ];
    });
  });
}

const seconds = (us: number) => `${Number((us / 1e6).toFixed(3))} s`;
