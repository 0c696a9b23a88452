/** What the harness finds of batch work that is wrong: simulated runs. ../batch.test.ts has planes that are right. */
import { afterAll, describe, expect, it } from 'vitest';
import { specifierOf } from '../../harness/ledger/planted-defects.fixture.js';
import type { BatchFacts } from '../../harness/record/facts.js';
import { batchScenario, openSimulations, type Simulations } from '../fixture-simulation.js';

const opened: Simulations[] = [];
afterAll(async () => {
  for (const simulations of opened) await simulations.close();
});

async function batchOf(plane: string): Promise<BatchFacts> {
  const simulations = await openSimulations(plane, 'batch', batchScenario);
  opened.push(simulations);
  const { facts } = await simulations.run(1, null);
  expect(facts.invalid).toEqual([]);
  return facts.batch as BatchFacts;
}

describe('a planted defect is found', () => {
  it.each(['latest-features', 'disguised-features'])(
    '%s leaks',
    async (defect) => {
      const { training, scored, examples } = await batchOf(specifierOf(defect));
      expect(training.leaked).toBeGreaterThan(100);
      expect(examples.some((text) => text.startsWith('leak: label'))).toBe(true);
      expect(scored.wrong).toBe(0);
    },
    300_000,
  );

  it('unpinned-score is not the same again', async () => {
    const { rebuilt, training } = await batchOf(specifierOf('unpinned-score'));
    expect(rebuilt.scored.same).toBeLessThan(rebuilt.scored.times);
    expect(training.wrong).toBe(0);
  }, 300_000);
});
