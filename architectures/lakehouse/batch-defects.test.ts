/**
 * What the harness finds of batch work that is wrong: simulated runs; and that it finds nothing of a rollback that is right.
 * ../batch.test.ts has the rest of what is right.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { specifierOf } from '../../harness/ledger/planted-defects.fixture.js';

import type { BatchFacts, RollbackFact, RunFacts } from '../../harness/record/facts.js';
import type { FaultPlan, Scenario } from '../../harness/scenario.js';
import { secondUs } from '../../workloads/durations.js';
import { batchScenario, openSimulations, type Simulations, smallScenario } from '../fixture-simulation.js';

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

/** What serves is killed while it is rolled back. */
const rollingBack: Scenario = {
  ...smallScenario,
  phases: { ...smallScenario.phases, faultUs: 9 * secondUs },
  batch: {
    labels: { rows: 20, positivePpm: 120_000, latePpm: 100_000 },
    besideLoad: [
      { kind: 'snapshot', name: 'before' },
      { kind: 'score', snapshot: 'before', times: 1 },
    ],
    afterWindow: [
      { kind: 'publish-model', version: 2 },
      { kind: 'rollback', snapshot: 'before', heldUs: 3 * secondUs },
    ],
    afterLoad: [],
  },
};
const killed: FaultPlan = {
  kind: 'role-crash',
  role: 'serving',
  schedule: { kind: 'once', afterUs: 6 * secondUs, jitterUs: 1 },
};

describe('a rollback', () => {
  let facts: RunFacts;
  beforeAll(async () => {
    facts = await runOf('lakehouse', rollingBack, [killed]);
  }, 300_000);

  it('is seen by every read, back and forward, and is not undone by a crash', () => {
    const batch = facts.batch as BatchFacts;
    expect(batch.examples).toEqual([]);
    expect(batch.steps.map(({ kind, failure }) => [kind, failure])).toEqual([
      ['snapshot', null],
      ['score', null],
      ['publish-model', null],
      ['rollback', null],
      ['rollback', null],
    ]);
    const [rollback] = batch.rollbacks as [RollbackFact];
    expect(rollback).toMatchObject({ mixed: 0, wrong: 0 });
    expect(rollback.checked).toBeGreaterThan(300);
    expect(rollback.unanswered).toBeGreaterThan(0);
    expect((rollback.back.seenUs as number) - rollback.back.requestedUs).toBeLessThan(secondUs);
    expect(rollback.forward?.seenUs).not.toBeNull();
    expect(facts.faults[0]?.injectedUs).toBeGreaterThan(rollback.back.seenUs as number);
    expect(facts.faults[0]?.injectedUs).toBeLessThan(rollback.forward?.requestedUs as number);
  });

  it('loses nothing of what is taken in meanwhile, and is no read that goes back', () => {
    const { ledger } = facts;
    expect(ledger?.examples).toEqual([]);
    expect(ledger).toMatchObject({
      behind: 0,
      reordered: 0,
      monotonicViolations: 0,
      tables: { lost: 0, duplicated: 0 },
    });
    expect(ledger?.live.right).toBe(ledger?.live.checked);
  });
});

describe('a planted defect is found', () => {
  it('model-stays mixes two states', async () => {
    const { batch } = await runOf(specifierOf('model-stays'), rollingBack, []);
    const [rollback] = (batch as BatchFacts).rollbacks as [RollbackFact];
    expect(rollback.back.seenUs).toBeNull();
    expect(rollback.mixed).toBeGreaterThan(100);
    expect(batch?.examples.some((text) => text.startsWith('mixed read: customer'))).toBe(true);
  }, 300_000);

  it('forgotten-rollback is of another state after a crash', async () => {
    const { batch } = await runOf(specifierOf('forgotten-rollback'), rollingBack, [killed]);
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
