/** Planes that break the rules of virtual time: their runs are invalid and say which call it was, and nothing hangs. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunFacts } from '../record/facts.js';
import type { Scenario } from '../scenario.js';
import { measuredScenario } from '../suites/measured.js';
import { loadTrace, type OwnedTrace } from '../traces.js';
import { defaultCosts } from './costs.js';
import { readHistory, type SimulatedTrace, simulateRun } from './simulate.js';

const scenario: Scenario = {
  ...measuredScenario({
    name: 'cheats',
    customers: 20,
    historyFacts: 100,
    changesPerSecond: 50,
    predictionsPerSecond: 0,
    lookupsPerSecond: 10,
    warmUpUs: 100_000,
    measureUs: 500_000,
    faultUs: 0,
    drainUs: 0,
  }),
  stack: 'simulated',
  faults: [],
};

let parent: string;
let owned: OwnedTrace;
let trace: SimulatedTrace;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'planebench-cheats-'));
  owned = await loadTrace(scenario, 1, parent);
  trace = await readHistory(owned);
});
afterAll(async () => {
  await owned.close();
  await rm(parent, { recursive: true, force: true });
});

/** A plane of one module that exports a factory, loaded as any other. */
async function simulate(name: string): Promise<RunFacts> {
  const specifier = new URL(`./fixture-${name}.js`, import.meta.url).pathname;
  const arm = { architecture: name, specifier, params: null };
  return simulateRun(
    { id: name, scenario, arm, repetition: 1, seed: 1 },
    {
      trace,
      architecture: {
        name,
        params: null,
        uses: ['changeLog'],
        roles: [{ name: 'all', ingests: true, priority: 'normal' }],
        settlesWithinUs: null,
        outside: false,
      },
      costs: defaultCosts,
      parent,
      signal: new AbortController().signal,
    },
  );
}

describe('a role', () => {
  it('that reads the real clock when it starts', async () => {
    const { invalid } = await simulate('clock-reader');
    expect(invalid[0]?.code).toBe('PLANE');
    expect(invalid[0]?.message).toContain(
      'role all called Date.now in a simulated run: it would depend on the machine and the moment. Use context.clock.',
    );
    expect(invalid[0]?.message).toContain('fixture-clock-reader');
  });

  it('that opens a file while it answers', async () => {
    const { errors } = await simulate('file-reader');
    expect(errors[0]?.message).toContain('role all called fs.readFileSync in a simulated run');
  });

  it('that is never ready', async () => {
    const { invalid } = await simulate('never-ready');
    expect(invalid[0]).toMatchObject({
      code: 'PLANE',
      message: expect.stringContaining('all was not ready within 30 s'),
    });
  });
});
