/** Seeded random combinations of faults: what nobody thought of. A seed is a scenario, for a plane on a stack. */
import { secondUs } from '../../workloads/durations.js';
import { supportOf } from '../injection.js';
import type { PortName } from '../ports/ports.js';
import type { ArchitectureDescription } from '../processes/describe-architecture.js';
import { type Random, seededRandom, shuffled } from '../random.js';
import type { FaultKind, FaultPlan, FaultSpec, Scenario } from '../scenario.js';
import type { StackName } from '../stacks/stack.js';
import { faultKinds, faultOf, lastsUs } from './fault-defaults.js';
import { measuredScenario } from './measured.js';

const phases = {
  name: 'soak',
  warmUpUs: 0.5 * secondUs,
  measureUs: 2 * secondUs,
  faultUs: 10 * secondUs,
  drainUs: 30 * secondUs,
};

const calm = measuredScenario({
  ...phases,
  customers: 500,
  historyFacts: 5_000,
  changesPerSecond: 500,
  predictionsPerSecond: 50,
  lookupsPerSecond: 50,
});

/**
 * In virtual time a seed costs what its load costs, and what finds a defect is the number of seeds: as long and as hard
 * struck, under a tenth of the load.
 */
export const calmInVirtualTime = measuredScenario({
  ...phases,
  customers: 50,
  historyFacts: 500,
  changesPerSecond: 50,
  predictionsPerSecond: 5,
  lookupsPerSecond: 10,
});

export const soakSuite = {
  name: calm.name,
  about: 'one to three faults at random in each run, until the time is over or the seeds are used up',
  /** Without the faults that a seed draws. */
  scenarios: [calm],
  repetitions: 10,
} as const;

/** Not those of some stacks alone that came later: what a seed is stays what it was when it found something. */
type Drawn = Exclude<FaultKind, `server-${string}`>;
const drawnKinds = faultKinds.filter((kind): kind is Drawn => !kind.startsWith('server-'));

/** Of the load after the last fault: for the hold time, and for a role that died to be there again. */
const afterwardsUs = 2 * secondUs;
const mostFaults = 3;

/**
 * Faults that overlap as they like, each on a target of its own, so that what was seen can be told apart. A function of its
 * arguments: the same seed is the same scenario.
 */
export function soakScenario(seed: number, stack: StackName, architecture: ArchitectureDescription): Scenario {
  const random = seededRandom(seed, '/soak');
  const scenario: Scenario = { ...(stack === 'simulated' ? calmInVirtualTime : calm), stack, faults: [] };
  const count = 1 + random.below(mostFaults);
  const faults = new Map<string, FaultPlan>();
  for (const kind of shuffled(drawnKinds, random)) {
    const fault = drawFault(kind, architecture, random);
    const jitterUs = calm.phases.faultUs - afterwardsUs - lastsUs(fault);
    const plan: FaultPlan = { ...fault, schedule: { kind: 'once', afterUs: 0, jitterUs } };
    const support = supportOf(plan, scenario, architecture);
    if ('target' in support && !faults.has(support.target)) faults.set(support.target, plan);
    if (faults.size === count) break;
  }
  return { ...scenario, faults: [...faults.values()] };
}

/** Long and strong enough that it is bound to bite: one that did not would make the run invalid. */
function drawFault(kind: Drawn, { roles, uses }: ArchitectureDescription, random: Random): FaultSpec {
  const between = (from: number, to: number) => from + random.below(to - from + 1);
  const lasting = { lastsUs: between(secondUs, 5 * secondUs) };
  const onRole = roles.length === 0 ? {} : { role: (roles[random.below(roles.length)] as { name: string }).name };
  // A plane that keeps its tables in the warehouse reads history from the other store, before the load.
  const ports = uses.filter((port) => port !== 'tables' || !uses.includes('warehouse'));
  const onPort = ports.length === 0 ? {} : { port: ports[random.below(ports.length)] as PortName };
  // In virtual time fifty changes come in a second: of so many as this never less than half are dirty by chance.
  const longer = { lastsUs: Math.max(lasting.lastsUs, 2.5 * secondUs) };
  const dirtied = { ...longer, ppm: between(300_000, 500_000) };
  switch (kind) {
    case 'role-crash':
      return faultOf(kind, onRole);
    case 'role-pause':
      return faultOf(kind, { ...onRole, ...lasting });
    case 'crash-loop':
      return faultOf(kind, { ...onRole, lastsUs: between(3 * secondUs, 6 * secondUs) });
    case 'clock-jump': {
      const byUs = between(secondUs, 3_600 * secondUs);
      return faultOf(kind, { ...onRole, ...lasting, byUs: random.below(2) === 0 ? byUs : -byUs });
    }
    case 'slow-port':
      return faultOf(kind, { ...onPort, ...lasting, latencyUs: between(1_000, 200_000) });
    case 'failing-port':
      return faultOf(kind, { ...onPort, ...longer, errorPpm: between(400_000, 700_000) });
    case 'load-burst':
      return faultOf(kind, { ...lasting, times: between(2, 10) });
    case 'duplicate-delivery':
    case 'reordering':
    case 'late-events':
    case 'poison-records':
    case 'incompatible-schema':
      return faultOf(kind, dirtied);
    case 'change-log-outage':
    case 'online-store-outage':
    case 'online-store-loss':
    case 'table-store-outage':
    case 'full-disk':
    case 'leader-kill':
      return faultOf(kind, lasting);
    // All roles: one that never asks a server would not notice that it cannot.
    case 'wire-latency':
      return faultOf(kind, { ...onPort, ...lasting, latencyUs: between(100_000, 300_000) });
    case 'wire-bandwidth':
    case 'wire-timeout':
    case 'wire-reset':
    case 'wire-slow-close':
    case 'partition':
      return faultOf(kind, { ...onPort, ...lasting });
  }
}
