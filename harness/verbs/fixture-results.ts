/** A results folder made by hand, for tests: planted runs of the smoke suite on disk, as `run` would leave them. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { headlineManifest } from '../../reports/fixtures/headline.js';
import { type Planted, plantRun } from '../measures/planted-run.js';
import type { RunFacts } from '../record/facts.js';
import { saveManifest, saveRun } from '../results.js';
import type { Scenario } from '../scenario.js';

export interface PlantedResults {
  readonly repetitions: number;
  readonly suite?: string;
  readonly architecture?: string;
  readonly interrupted?: boolean;
  /** Changes of the scenario, such as another time scale. */
  readonly scenario?: Partial<Scenario>;
  readonly planted: (repetition: number) => Planted;
}

export async function plantResults(directory: string, options: PlantedResults): Promise<string> {
  const { repetitions, suite = 'smoke', architecture = 'lakehouse', interrupted = false } = options;
  await mkdir(join(directory, 'runs'), { recursive: true });
  const results = { id: `${suite}-planted`, directory };
  const idOf = (repetition: number) => `${suite}-${repetition}-${architecture}`;
  const plannedRuns = Array.from({ length: repetitions }, (_, i) => idOf(i + 1));
  const identity = { id: results.id, suite, seed: 1, repetitions };
  await saveManifest(results, { ...headlineManifest(), ...identity, plannedRuns, interrupted });
  for (let repetition = 1; repetition <= repetitions; repetition++) {
    const run: RunFacts = plantRun({ architecture, repetition, ...options.planted(repetition) });
    const scenario: Scenario = { ...run.plan.scenario, name: suite, ...options.scenario };
    await saveRun(results, {
      ...run,
      plan: { ...run.plan, id: idOf(repetition), scenario },
    });
  }
  return directory;
}
