/** What the harness finds of a rollback in our planes, with a crash in the midst of it: that all of it is right. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchFacts, RollbackFact, RunFacts } from '../harness/record/facts.js';
import { secondUs } from '../workloads/durations.js';
import { openSimulations, rollbackScenario, rolledBackCrash, type Simulations } from './fixture-simulation.js';

describe.each(['lakehouse', 'warehouse', 'lambda'])('a rollback of %s, simulated', (plane) => {
  let simulations: Simulations;
  let facts: RunFacts;
  beforeAll(async () => {
    simulations = await openSimulations(plane, 'serving', rollbackScenario);
    facts = (await simulations.run(1, null, { faults: [rolledBackCrash] })).facts;
    expect(facts.invalid).toEqual([]);
  }, 300_000);
  afterAll(() => simulations.close());

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
