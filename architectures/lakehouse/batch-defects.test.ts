/** What the harness finds of batch work that is wrong, and that it finds nothing where it is right: simulated runs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { specifierOf } from '../../harness/ledger/planted-defects.fixture.js';
import type { BatchFacts } from '../../harness/record/facts.js';
import type { Scenario } from '../../harness/scenario.js';
import { openSimulations, type Simulations, smallScenario } from '../fixture-simulation.js';

const scenario: Scenario = {
  ...smallScenario,
  batch: {
    labels: { rows: 400, positivePpm: 120_000, latePpm: 100_000 },
    besideLoad: [
      { kind: 'snapshot', name: 'beside the load' },
      { kind: 'score', snapshot: 'beside the load', times: 1 },
    ],
    afterLoad: [
      { kind: 'snapshot', name: 'after the load' },
      { kind: 'score', snapshot: 'after the load', slicePpm: 200_000, times: 2 },
      { kind: 'score', snapshot: 'beside the load', times: 1 },
      { kind: 'training-set', late: true, times: 2 },
    ],
  },
};

const opened: Simulations[] = [];
afterAll(async () => {
  for (const simulations of opened) await simulations.close();
});

async function batchOf(plane: string): Promise<BatchFacts> {
  const simulations = await openSimulations(plane, 'batch', scenario);
  opened.push(simulations);
  const { facts } = await simulations.run(1, null);
  expect(facts.invalid).toEqual([]);
  return facts.batch as BatchFacts;
}

describe('a sound plane', () => {
  let batch: BatchFacts;
  beforeAll(async () => {
    batch = await batchOf('lakehouse');
  }, 300_000);

  it('is right in every row, and the same again', () => {
    expect(batch.examples).toEqual([]);
    expect(batch.scored).toEqual({ checked: 40 + 8, wrong: 0 });
    expect(batch.training).toMatchObject({ checked: 400, wrong: 0, leaked: 0, labels: 400 });
    expect(batch.rebuilt).toEqual({ scored: { times: 2, same: 2 }, training: { times: 1, same: 1 } });
  });

  it('was asked for every step, beside the load and after it', () => {
    expect(batch.steps.map(({ kind, besideLoad, rows }) => [kind, besideLoad, rows])).toEqual([
      ['snapshot', true, 40],
      ['score', true, 40],
      ['snapshot', false, 40],
      ['score', false, 8],
      ['score', false, 8],
      ['score', false, 40],
      ['training-set', false, 400],
      ['training-set', false, 400],
    ]);
    expect(batch.steps.every(({ failure, hostUs }) => failure === null && hostUs > 0)).toBe(true);
  });

  it('has labels as unbalanced as the paper has them', () => {
    expect(batch.training.positives / batch.training.labels).toBeGreaterThan(0.05);
    expect(batch.training.positives / batch.training.labels).toBeLessThan(0.2);
  });
});

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
