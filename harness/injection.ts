/** Injects the faults of a run, in order, each at its seeded moment. */
import { injectors } from '../faults/faults.js';
import type { FaultContext } from './fault.js';
import { seededRandom } from './random.js';
import type { FaultFact } from './record/facts.js';
import type { RunPlan } from './scenario.js';

export async function injectFaults(options: {
  readonly plan: RunPlan;
  readonly timeline: { readonly measureEndUs: number; readonly loadEndUs: number };
  readonly supervisor: FaultContext['supervisor'];
  readonly architecture: FaultContext['architecture'];
}): Promise<FaultFact[]> {
  const { plan, timeline, supervisor, architecture } = options;
  const random = seededRandom(plan.seed, '/faults');
  const facts: FaultFact[] = [];
  for (const { kind, role, afterUs, jitterUs } of plan.scenario.faults) {
    // The phase over the load cycle is drawn, so that a crash does not always meet a plane at the same moment of it.
    const atUs = timeline.measureEndUs + afterUs + random.below(Math.max(1, jitterUs));
    facts.push(await injectors[kind]({ supervisor, architecture, role, atUs, untilUs: timeline.loadEndUs }));
  }
  return facts;
}
