/** Traces of scenarios: generated, indexed, and with their oracle, for as long as runs need them. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { loadEmissions } from '../workloads/emissions.js';
import { generateTrace } from '../workloads/trace-generation.js';
import { disturbedWorkload } from './injection.js';
import { openOracle } from './ledger/oracle.js';
import type { LoadedTrace } from './loaded-trace.js';
import type { Scenario } from './scenario.js';

export interface OwnedTrace extends LoadedTrace {
  /** Removes its files. */
  close(): Promise<void>;
}

export async function loadTrace(scenario: Scenario, seed: number, parent: string): Promise<OwnedTrace> {
  const directory = join(parent, `trace-${scenario.name}-${seed}`);
  const { warmUpUs, measureUs, faultUs } = scenario.phases;
  const info = await generateTrace({
    workload: disturbedWorkload(scenario, seed),
    seed,
    epochUs: scenario.epochUs,
    durationUs: warmUpUs + measureUs + faultUs,
    directory,
  });
  const emissions = await loadEmissions(directory);
  const oracle = await openOracle(directory);
  return {
    directory,
    info,
    emissions,
    oracle,
    async close() {
      await rm(directory, { recursive: true, force: true });
    },
  };
}
