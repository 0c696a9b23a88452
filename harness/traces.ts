/** Traces of scenarios: generated, indexed, and with their oracle, for as long as runs need them. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { secondUs } from '../workloads/durations.js';
import { loadEmissions } from '../workloads/emissions.js';
import { generateLabels } from '../workloads/labels.js';
import type { TraceInfo } from '../workloads/trace.js';
import { generateTrace, type TraceOptions } from '../workloads/trace-generation.js';
import { writeLabels } from './batch/label-files.js';
import { disturbedWorkload } from './injection.js';
import { openOracle } from './ledger/oracle.js';
import type { LoadedTrace } from './loaded-trace.js';
import { askChild } from './processes/child-process.js';
import type { Scratch } from './processes/scratch.js';
import { measuredWindow, type Scenario } from './scenario.js';

export interface OwnedTrace extends LoadedTrace {
  /** Removes its files. */
  close(): Promise<void>;
}

export async function loadTrace(
  scenario: Scenario,
  seed: number,
  parent: string,
  generate: (options: TraceOptions) => Promise<TraceInfo> = generateTrace,
): Promise<OwnedTrace> {
  // Of this process: a soak has other faults for another plane, hence another trace of the same seed, in another process.
  const directory = join(parent, `trace-${scenario.name}-${seed}-${process.pid}`);
  const { warmUpUs, measureUs, faultUs } = scenario.phases;
  const info = await generate({
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

const generator = new URL('./processes/generate-trace.js', import.meta.url);
/** It may be a long history: this only ends a generator that stands still for ever. */
const generatedWithinUs = 24 * 60 * 60 * secondUs;

/** Generates a trace in a process of its own, which ends with `signal` too. */
export function generateApart(options: TraceOptions, scratch: Scratch, signal: AbortSignal): Promise<TraceInfo> {
  const name = 'the generator of the trace';
  // It may be that of the next runs, beside what a plane still does in this one.
  const precedence = 'low';
  return askChild(
    { name, module: generator, init: options, precedence, readyWithinUs: generatedWithinUs, signal },
    scratch,
  );
}

/** Beside the trace, so that all its runs have the same. */
async function makeLabels(scenario: Scenario, seed: number, directory: string): Promise<LoadedTrace['labels']> {
  const { batch, workload, epochUs, phases } = scenario;
  if (batch === undefined) return null;
  const endUs = measuredWindow(scenario).endUs + phases.faultUs;
  const rows = generateLabels({ labels: batch.labels, workload, seed, startUs: epochUs, endUs });
  return { rows, files: await writeLabels(join(directory, 'labels'), rows) };
}
