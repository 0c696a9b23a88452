/** Every fault of a run's own time in virtual time, against each of the three planes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { measureRun } from '../harness/measures/metrics.js';
import { standardPrices } from '../harness/prices/prices.js';
import { descriptionOf, loadArchitecture } from '../harness/processes/load-architecture.js';
import type { RunFacts } from '../harness/record/facts.js';
import type { Scenario } from '../harness/scenario.js';
import { defaultCosts } from '../harness/simulation/costs.js';
import { readHistory, type SimulatedTrace, simulateRun } from '../harness/simulation/simulate.js';
import { loadTrace, type OwnedTrace } from '../harness/traces.js';
import { ordealScenario } from './fixture-ordeal.js';
import { expectSurvived } from './fixture-survived.js';

const scenario: Scenario = { ...ordealScenario(), stack: 'simulated' };
let parent: string;
let owned: OwnedTrace;
let trace: SimulatedTrace;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'planebench-ordeal-'));
  owned = await loadTrace(scenario, 1, parent);
  trace = await readHistory(owned);
});
afterAll(async () => {
  await owned.close();
  await rm(parent, { recursive: true, force: true });
});

async function simulate(plane: string, scenario: Scenario): Promise<RunFacts> {
  return simulateRun(
    {
      id: plane,
      scenario,
      arm: { architecture: plane, specifier: plane, params: null },
      repetition: 1,
      seed: 1,
    },
    {
      trace,
      architecture: descriptionOf(await loadArchitecture(plane, undefined)),
      costs: defaultCosts,
      parent,
      signal: new AbortController().signal,
    },
  );
}

it.each([
  ['lakehouse', []],
  ['warehouse', ['online-store-outage', 'online-store-loss']],
  ['lambda', []],
])('%s survives all of them, one after the other', { timeout: 120_000 }, async (plane, notApplicable) => {
  const facts = await simulate(plane, scenario);
  const struck = facts.faults.filter((fault) => fault.notApplicable === null);
  expect(struck).toHaveLength(11 - notApplicable.length);
  expect(facts.faults.filter((fault) => fault.notApplicable !== null).map(({ kind }) => kind)).toEqual(notApplicable);
  expectSurvived(facts);
});

it.each(['lakehouse', 'lambda'])('%s answers nothing wrong while its online store is empty', async (plane) => {
  const faults = scenario.faults.filter(({ kind }) => kind === 'online-store-loss');
  const facts = await simulate(plane, { ...scenario, faults });
  expectSurvived(facts);
  expect(facts.ledger?.live.checked).toBeGreaterThan(0);
  expect(facts.ledger?.live.right).toBe(facts.ledger?.live.checked);
  const [recovery] = measureRun(facts, standardPrices).recoveries;
  expect(recovery?.slos.availability).toMatchObject({ fate: 'lost', regained: { kind: 'after' } });
});
