/** What the harness finds of batch work that is wrong: simulated runs. ../batch.test.ts and ../rollback.test.ts have what is right. */
import { afterAll, describe, expect, it } from 'vitest';
import { specifierOf } from '../../harness/ledger/planted-defects.fixture.js';
import type { BatchFacts, RollbackFact, RunFacts } from '../../harness/record/facts.js';
import type { FaultPlan, Scenario } from '../../harness/scenario.js';
import {
  batchScenario,
  openSimulations,
  rollbackScenario,
  rolledBackCrash,
  type Simulations,
} from '../fixture-simulation.js';

const opened: Simulations[] = [];
afterAll(async () => {
  for (const simulations of opened) await simulations.close();
});

async function batchOf(plane: string): Promise<BatchFacts> {
  return (await runOf(plane, batchScenario, [])).batch as BatchFacts;
}

async function runOf(plane: string, of: Scenario, faults: readonly FaultPlan[]): Promise<RunFacts> {
  const simulations = await openSimulations(plane, 'batch', of);
  opened.push(simulations);
  const { facts } = await simulations.run(1, null, { faults });
  expect(facts.invalid).toEqual([]);
  return facts;
}

describe('a planted defect is found', () => {
  it('model-stays mixes two states', async () => {
    const { batch } = await runOf(specifierOf('model-stays'), rollbackScenario, []);
    const [rollback] = (batch as BatchFacts).rollbacks as [RollbackFact];
    expect(rollback.back.seenUs).toBeNull();
    expect(rollback.mixed).toBeGreaterThan(100);
    expect(batch?.examples.some((text) => text.startsWith('mixed read: customer'))).toBe(true);
  }, 300_000);

  it('forgotten-rollback is of another state after a crash', async () => {
    const { batch } = await runOf(specifierOf('forgotten-rollback'), rollbackScenario, [rolledBackCrash]);
    const [rollback] = (batch as BatchFacts).rollbacks as [RollbackFact];
    expect(rollback.back.seenUs).toBeNull();
    expect(rollback.wrong).toBeGreaterThan(100);
  }, 300_000);

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
