/** A process that simulates runs which share a trace, and reports each one's facts. */
import { labelOf } from '../arms.js';
import { inspectPlane } from '../plane-contract.js';
import { runChild } from '../processes/child.js';
import type { ArchitectureDescription } from '../processes/describe-architecture.js';
import type { RunPlan } from '../scenario.js';
import { loadTrace } from '../traces.js';
import type { Costs } from './costs.js';
import { readHistory, simulateRun } from './simulate.js';

export interface SimulationInit {
  readonly plans: readonly { readonly plan: RunPlan; readonly architecture: ArchitectureDescription }[];
  readonly costs: Costs;
  /** Where the trace and the recordings may be kept. */
  readonly parent: string;
  /** Whether each plane is also asked what its contract says. */
  readonly inspects: boolean;
}

runChild<SimulationInit>(async ({ plans, costs, parent, inspects }, { signal, ready, report }) => {
  const [first] = plans;
  if (!first) return;
  const owned = await loadTrace(first.plan.scenario, first.plan.seed, parent);
  try {
    const trace = await readHistory(owned);
    const { seed, sha256, changes } = trace.info;
    report('trace', { seed, scenario: first.plan.scenario.name, sha256, changes });
    ready(null);
    for (const { plan, architecture } of plans) {
      if (signal.aborted) return;
      report('begun', labelOf(plan));
      const inspection = inspects ? inspectPlane() : null;
      const run = await simulateRun(plan, { trace, architecture, costs, parent, signal, inspect: inspection?.inspect });
      if (inspection) report('inspected', inspection.seen());
      report('run', run);
    }
  } finally {
    await owned.close();
  }
});
