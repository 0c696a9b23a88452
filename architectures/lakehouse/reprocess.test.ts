/** After changes were found to be poisoned, all that was made of them is made again, and nothing else: simulated runs. */
import { afterEach, expect, it } from 'vitest';
import { specifierOf } from '../../harness/ledger/planted-defects.fixture.js';
import type { RunFacts } from '../../harness/record/facts.js';
import { openSimulations, poisonedScenario, type Simulations } from '../fixture-simulation.js';

let simulations: Simulations | null = null;
afterEach(() => simulations?.close());

async function reprocessingOf(plane: string) {
  simulations = await openSimulations(plane, 'batch', poisonedScenario);
  const { facts } = await simulations.run(1, null);
  expect(facts.invalid).toEqual([]);
  const [reprocessing] = facts.batch?.reprocessings ?? [];
  return { facts: facts as RunFacts, reprocessing: reprocessing as NonNullable<typeof reprocessing> };
}

it('makes the rows of three customers again, and leaves the files of the others as they are', async () => {
  const { facts, reprocessing } = await reprocessingOf(specifierOf('many-files'));
  const { assets, untouched, ...verdict } = reprocessing;
  expect(verdict).toMatchObject({ customers: 3, left: 0, disturbed: 0, mistold: [] });
  expect(assets.map(({ table }) => table)).toEqual(['features', 'training', 'scored']);
  const [features, training, scored] = assets;
  expect(features).toMatchObject({ recomputedRows: 3, rows: 40, files: 4 });
  expect(features?.rewrittenFiles).toBe(1);
  expect(scored).toMatchObject({ recomputedRows: 3, rows: 40 });
  expect(training?.recomputedRows).toBeGreaterThan(0);
  expect(training?.recomputedRows).toBeLessThan(100);
  expect(untouched).toEqual(['current', 'customer_activity', 'snapshots', 'training_sets']);
  const steps = facts.batch?.steps ?? [];
  expect(steps.every(({ failure }) => failure === null)).toBe(true);
  // The snapshot that was made again is scored: so its rows are seen, too.
  expect(steps.map(({ kind }) => kind)).toEqual(['snapshot', 'score', 'training-set', 'reprocess', 'score']);
  expect(facts.batch?.scored.wrong).toBe(0);
  expect(facts.lineage).toMatchObject({ gaps: [] });
}, 300_000);

it('is found out when it misses some of them', async () => {
  const { facts, reprocessing } = await reprocessingOf(specifierOf('missed-partition'));
  expect(reprocessing.left).toBeGreaterThan(0);
  expect(reprocessing.disturbed).toBe(0);
  expect(facts.batch?.examples.join()).toMatch(/poisoned row: (features|training|scored|the snapshot, scored)/);
}, 300_000);
