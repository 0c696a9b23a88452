/** One run of a plane with real processes and servers, without a bench around it: nothing is tried first, nothing kept. */
import { simulatedBuild } from '../harness/lineage/origin.js';
import { descriptionOf, loadArchitecture } from '../harness/processes/load-architecture.js';
import { openScratch } from '../harness/processes/scratch.js';
import type { RunFacts } from '../harness/record/facts.js';
import { observeRun } from '../harness/run.js';
import { gatherFacts } from '../harness/run-facts.js';
import type { Scenario } from '../harness/scenario.js';
import { machineSite } from '../harness/site.js';
import { loadTrace } from '../harness/traces.js';

export async function runOnMachine(plane: string, scenario: Scenario): Promise<RunFacts> {
  const scratch = await openScratch();
  try {
    const trace = await loadTrace(scenario, 1, scratch.directory);
    const plan = {
      id: `${scenario.name}-${plane}`,
      scenario,
      arm: { architecture: plane, specifier: plane, params: null },
      repetition: 1,
      seed: 1,
    };
    const observed = await observeRun(plan, {
      trace,
      architecture: descriptionOf(await loadArchitecture(plane, undefined)),
      site: machineSite(scenario, scratch, simulatedBuild),
      parent: scratch.directory,
      quiet: Promise.resolve(),
      idle: () => {},
      progress: () => {},
      signal: new AbortController().signal,
    });
    return await gatherFacts(observed, trace);
  } finally {
    await scratch.close();
  }
}
