/** Traces of scenarios: generated, indexed, and with their oracle, for as long as runs need them. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { loadEmissions } from '../workloads/emissions.js';
import { generateLabels } from '../workloads/labels.js';
import { generateTrace } from '../workloads/trace-generation.js';
import { writeLabels } from './batch/label-files.js';
import { disturbedWorkload } from './injection.js';
import { openOracle } from './ledger/oracle.js';
import type { LoadedTrace } from './loaded-trace.js';
import { measuredWindow, type Scenario } from './scenario.js';

export interface OwnedTrace extends LoadedTrace {
  /** Removes its files. */
  close(): Promise<void>;
}

export async function loadTrace(scenario: Scenario, seed: number, parent: string): Promise<OwnedTrace> {
  // Of this process: a soak has other faults for another plane, hence another trace of the same seed, in another process.
  const directory = join(parent, `trace-${scenario.name}-${seed}-${process.pid}`);
  const { warmUpUs, measureUs, faultUs } = scenario.phases;
  const info = await generateTrace({
    workload: disturbedWorkload(scenario, seed),
    seed,
    epochUs: scenario.epochUs,
    durationUs: warmUpUs + measureUs + faultUs,
    directory,
  });
  const labels = await makeLabels(scenario, seed, directory);
  const emissions = await loadEmissions(directory);
  const oracle = await openOracle(directory);
  return {
    directory,
    info,
    emissions,
    oracle,
    labels,
    async close() {
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Beside the trace, so that all its runs have the same. */
async function makeLabels(scenario: Scenario, seed: number, directory: string): Promise<LoadedTrace['labels']> {
  const { batch, workload, epochUs, phases } = scenario;
  if (batch === undefined) return null;
  const endUs = measuredWindow(scenario).endUs + phases.faultUs;
  const rows = generateLabels({ labels: batch.labels, workload, seed, startUs: epochUs, endUs });
  return { rows, files: await writeLabels(join(directory, 'labels'), rows) };
}
