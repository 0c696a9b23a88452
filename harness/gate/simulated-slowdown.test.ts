/** A slowdown planted in virtual time: what the gate of a CI must catch, and an unchanged plane that it must let pass. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openSimulations, type Simulations, smallScenario } from '../../architectures/fixture-simulation.js';
import type { Baseline } from '../../reports/baseline.js';
import { headlineManifest } from '../../reports/fixtures/headline.js';
import { secondUs } from '../../workloads/durations.js';
import { standardPrices } from '../prices/prices.js';
import type { RunFacts } from '../record/facts.js';
import type { Scenario } from '../scenario.js';
import { type Costs, defaultCosts } from '../simulation/costs.js';
import { chanceOf } from '../summary/estimates.js';
import { judgeGate } from './gate.js';
import { valuesOf } from './run-values.js';
import { demandsOf, type Threshold } from './thresholds.js';

const pairs = 10;
/** CI has time for some of the ten. */
const trials = process.env.PLANEBENCH_FULL_SIZE ? 10 : 4;
const thresholds: readonly Threshold[] = [
  { metric: 'lookup', statistic: 'p95', kind: 'relative', margin: 0.1 },
  { metric: 'ledger.lost', statistic: 'total', kind: 'absolute', atMost: 0 },
];

/** Everything that a lookup costs, a fifth more. */
const slowed: Costs = {
  ...defaultCosts,
  role: { call: slower(defaultCosts.role.call) },
  door: { ...defaultCosts.door, lookup: slower(defaultCosts.door.lookup) },
  onlineStore: { ...defaultCosts.onlineStore, get: slower(defaultCosts.onlineStore.get) },
};

function slower({ fixedUs, perRowUs, perByteNs }: Costs['role']['call']): Costs['role']['call'] {
  return { fixedUs: fixedUs * 1.2, perRowUs: perRowUs * 1.2, perByteNs: perByteNs * 1.2 };
}

/** Enough lookups for a p95 of one run, of little else. */
const { workload, phases } = smallScenario;
const lookup = { ...workload.reads.lookup, perSecond: 120 };
const scenario: Scenario = {
  ...smallScenario,
  workload: { ...workload, reads: { ...workload.reads, lookup } },
  phases: { ...phases, measureUs: secondUs },
};

let simulations: Simulations;
beforeAll(async () => {
  simulations = await openSimulations('lakehouse', 'stream', scenario);
});
afterAll(() => simulations.close());

async function simulateAll(seeds: readonly number[], costs: Costs): Promise<Baseline> {
  const runs: RunFacts[] = [];
  for (const [i, seed] of seeds.entries()) {
    const { facts } = await simulations.run(seed, null, { costs });
    runs.push({ ...facts, plan: { ...facts.plan, repetition: i + 1 } });
  }
  const values = valuesOf({ ...headlineManifest(), suite: 'small', repetitions: pairs }, runs, standardPrices);
  // Freshness is watched for less than an SLO in runs as short as these, and nothing is demanded of it.
  return { ...values, finished: true };
}

function decide(baseline: Baseline, candidate: Baseline) {
  const scenarios = [simulations.scenario];
  const demands = demandsOf({ suite: 'small', scenarios, architectures: ['lakehouse'], thresholds }, baseline);
  return judgeGate({ candidate, baseline, demands, chance: chanceOf(1), run: 'candidate', file: 'baseline' });
}

it('catches a lookup that is 20 % slower, and passes one that is not, in every trial', {
  timeout: 600_000,
}, async () => {
  let caught = 0;
  let passed = 0;
  for (let trial = 0; trial < trials; trial++) {
    const seeds = Array.from({ length: pairs }, (_, i) => 100 + trial * pairs + i);
    const baseline = await simulateAll(seeds, defaultCosts);
    const verdict = decide(baseline, await simulateAll(seeds, slowed));
    const failed = verdict.thresholds.filter(({ outcome }) => outcome === 'fail');
    if (verdict.outcome === 'fail' && failed.every(({ metric }) => metric === 'lookup')) caught++;
    // Simulated again they are the same, byte for byte (harness/simulation/determinism.test.ts).
    if (decide(baseline, baseline).outcome === 'pass') passed++;
  }
  process.stdout.write(`planted slowdown caught in ${caught} of ${trials} trials, unchanged passed in ${passed}\n`);
  expect(caught).toBe(trials);
  expect(passed).toBe(trials);
});
