/** What a fault is to the harness, and how a run's faults are injected. One file a fault stands under faults/. */
import { injectRoleCrash } from '../faults/role-crash.js';
import type { ArchitectureDescription } from './processes/describe-architecture.js';
import type { Supervisor } from './processes/supervisor.js';
import { seededRandom } from './random.js';
import type { FaultFact } from './record/facts.js';
import type { FaultPlan, RunPlan } from './scenario.js';

export interface FaultContext {
  readonly supervisor: Supervisor;
  readonly architecture: ArchitectureDescription;
  /** When to strike, event time. */
  readonly atUs: number;
  /** A fault that has not healed until then never did. */
  readonly untilUs: number;
}

/** Injects, witnesses, heals; says what it saw, and never that it worked when it did not see it. */
export type Injector = (context: FaultContext) => Promise<FaultFact>;

const injectors: Readonly<Record<FaultPlan['kind'], Injector>> = { 'role-crash': injectRoleCrash };

/** All faults of the plan, in order; those that the plane has no target for are left out, and so have no witness. */
export async function injectFaults(options: {
  plan: RunPlan;
  timeline: { readonly measureEndUs: number; readonly loadEndUs: number };
  supervisor: Supervisor;
  architecture: ArchitectureDescription;
}): Promise<FaultFact[]> {
  const { plan, timeline, supervisor, architecture } = options;
  const random = seededRandom(plan.seed, '/faults');
  const facts: FaultFact[] = [];
  for (const fault of plan.scenario.faults) {
    // The phase over the load cycle is drawn, so that a crash does not always meet a plane in the same moment.
    const atUs = timeline.measureEndUs + fault.afterUs + random.below(Math.max(1, fault.jitterUs));
    facts.push(await injectors[fault.kind]({ supervisor, architecture, atUs, untilUs: timeline.loadEndUs }));
  }
  return facts;
}
