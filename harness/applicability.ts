/** Which faults strike anything in a plane and on a stack, before a run begins. */
import type { DescribedArms } from './arms.js';
import { UsageError } from './errors.js';
import { supportOf } from './injection.js';
import type { ArchitectureDescription } from './processes/describe-architecture.js';
import type { RunPlan, Scenario } from './scenario.js';

/** A scenario that a plane is spared, and why. */
export interface NotApplicable {
  readonly scenario: string;
  readonly architecture: string;
  readonly reason: string;
}

/**
 * Without the runs that none of their faults would strike: they would say of recovery nothing at all. One of whose faults
 * some do is run, and its facts say which did not. Throws a UsageError where no run is left.
 */
export function leaveOutUnstruck(
  plans: readonly RunPlan[],
  described: DescribedArms,
): { readonly plans: readonly RunPlan[]; readonly notApplicable: readonly NotApplicable[] } {
  const spared = new Map<string, NotApplicable>();
  const left = plans.filter(({ scenario, arm }) => {
    const reason = whyUnstruck(scenario, described.get(arm) as ArchitectureDescription);
    if (reason === null) return true;
    const { name } = scenario;
    spared.set(`${name} ${arm.architecture}`, { scenario: name, architecture: arm.architecture, reason });
    return false;
  });
  const notApplicable = [...spared.values()];
  if (notApplicable.length > 0 && !left.some(({ scenario }) => scenario.faults.length > 0)) {
    throw new UsageError(
      `no run is left, since no fault strikes anything here:\n${notApplicable.map(inWords).join('\n')}\nName another fault, plane or stack.`,
    );
  }
  return { plans: left, notApplicable };
}

/** Null: something is struck, or nothing should be, or the plane could not say what it is (its run will tell). */
function whyUnstruck(scenario: Scenario, architecture: ArchitectureDescription | { readonly code: string }) {
  if ('code' in architecture || scenario.faults.length === 0) return null;
  const reasons = scenario.faults.map((plan) => {
    const support = supportOf(plan, scenario, architecture);
    return 'target' in support ? null : `${plan.kind}: ${support.notApplicable}`;
  });
  return reasons.includes(null) ? null : [...new Set(reasons)].join('; ');
}

export function inWords({ scenario, architecture, reason }: NotApplicable): string {
  return `  ${scenario} of ${architecture} is not applicable: ${reason}`;
}
