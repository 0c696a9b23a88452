/**
 * A process that simulates runs and reports each one's facts: the runs of one trace after those of another, as it is
 * told, since to start it and to warm its compiler costs more than a small run.
 */
import { labelOf } from '../arms.js';
import { inspectPlane } from '../plane-contract.js';
import { type Child, runChild } from '../processes/child.js';
import type { ArchitectureDescription } from '../processes/describe-architecture.js';
import type { RunPlan } from '../scenario.js';
import { loadTrace } from '../traces.js';
import type { Costs } from './costs.js';
import { readHistory, simulateRun } from './simulate.js';

export interface SimulationInit {
  readonly costs: Costs;
  /** Where the traces and the recordings may be kept. */
  readonly parent: string;
  /** Whether each plane is also asked what its contract says. */
  readonly inspects: boolean;
}

/** Told as `simulate`: runs that share a trace. It is reported when they are `done`, and the next may be told. */
export type SimulatedGroup = readonly { readonly plan: RunPlan; readonly architecture: ArchitectureDescription }[];

runChild<SimulationInit>(async (init, child) => {
  let failed: (error: unknown) => void = () => {};
  const failure = new Promise<never>((_, reject) => {
    failed = reject;
  });
  child.onTold((_, group) => {
    simulateGroup(group as SimulatedGroup, init, child).then(() => child.report('done', null), failed);
  });
  child.ready(null);
  await Promise.race([child.stopped, failure]);
});

async function simulateGroup(
  group: SimulatedGroup,
  { costs, parent, inspects }: SimulationInit,
  { signal, report }: Child,
): Promise<void> {
  const [first] = group;
  if (!first) return;
  const owned = await loadTrace(first.plan.scenario, first.plan.seed, parent);
  try {
    const trace = await readHistory(owned);
    const { seed, sha256, changes } = trace.info;
    report('trace', { seed, scenario: first.plan.scenario.name, sha256, changes });
    for (const { plan, architecture } of group) {
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
}
