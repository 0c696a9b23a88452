/** A fault that cannot be ended: its run is torn down and says so, and the next one is as if it had never been. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { descriptionOf, loadArchitecture } from './processes/load-architecture.js';
import type { RunFacts } from './record/facts.js';
import type { Scenario } from './scenario.js';
import { defaultCosts } from './simulation/costs.js';
import { readHistory, type SimulatedTrace, simulateRun } from './simulation/simulate.js';
import type { World } from './simulation/world.js';
import { judgeSoakRun } from './soak/verdict.js';
import { faultOf } from './suites/fault-defaults.js';
import { measuredScenario } from './suites/measured.js';
import { loadTrace, type OwnedTrace } from './traces.js';

const secondUs = 1_000_000;
const scenario: Scenario = {
  ...measuredScenario({
    name: 'heal',
    customers: 50,
    historyFacts: 200,
    changesPerSecond: 100,
    predictionsPerSecond: 10,
    lookupsPerSecond: 10,
    warmUpUs: secondUs / 2,
    measureUs: secondUs,
    faultUs: 10 * secondUs,
    drainUs: 20 * secondUs,
  }),
  stack: 'simulated',
  faults: [
    {
      ...faultOf('online-store-outage', { lastsUs: secondUs }),
      schedule: { kind: 'once', afterUs: secondUs, jitterUs: 0 },
    },
  ],
};

let parent: string;
let owned: OwnedTrace;
let trace: SimulatedTrace;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'planebench-heal-'));
  owned = await loadTrace(scenario, 1, parent);
  trace = await readHistory(owned);
});
afterAll(async () => {
  await owned.close();
  await rm(parent, { recursive: true, force: true });
});

async function simulate(id: string, prepare: (world: World) => void): Promise<RunFacts> {
  const arm = { architecture: 'lakehouse', specifier: 'lakehouse', params: null };
  const architecture = descriptionOf(await loadArchitecture('lakehouse', undefined));
  const { signal } = new AbortController();
  return simulateRun(
    { id, scenario, arm, repetition: 1, seed: 1 },
    { trace, architecture, costs: defaultCosts, parent, signal, prepare },
  );
}

it('tries to the end, then ends the run as invalid; the next run is sound', async () => {
  let attempts = 0;
  const broken = await simulate('broken', (world) => {
    const { setDown } = world;
    Object.assign(world, {
      setDown(port: Parameters<World['setDown']>[0], isDown: boolean) {
        if (!isDown) {
          attempts++;
          throw new Error('its disk is gone');
        }
        setDown(port, isDown);
      },
    });
  });
  expect(attempts).toBe(10);
  expect(broken.invalid).toEqual([
    {
      code: 'HEAL_FAILED',
      message: 'online-store-outage of onlineStore could not be healed, though it was tried 10 times: its disk is gone',
    },
  ]);
  expect(broken.faults.map(({ injectedUs, healedUs }) => [injectedUs !== null, healedUs])).toEqual([[true, null]]);
  expect(broken.ledger).toBeNull();
  expect(broken.processes.filter(({ exit }) => exit === '')).toEqual([]);
  const { outcome, findings } = judgeSoakRun(broken);
  expect([outcome, findings[0]]).toEqual(['not judged', expect.stringMatching(/^HEAL_FAILED: /)]);

  const next = await simulate('next', () => {});
  expect(next.invalid).toEqual([]);
  expect(next.faults.map(({ witnessedUs, healedUs }) => [witnessedUs !== null, healedUs !== null])).toEqual([
    [true, true],
  ]);
  expect(judgeSoakRun(next)).toEqual({ outcome: 'sound', findings: [] });
});
