/** The real change log killed under the real load: what its clients do about it is not simulated. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bench } from '../harness/bench.js';
import { standardPrices } from '../harness/prices/prices.js';
import { loadResults } from '../harness/results.js';
import { defaultCosts } from '../harness/simulation/costs.js';
import { measuredScenario } from '../harness/suites/measured.js';
import { secondUs } from '../workloads/durations.js';

let out: string;
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'planebench-embedded-outage-'));
});
afterAll(() => rm(out, { recursive: true, force: true }));

it('an outage of the change log loses nothing and leaves nobody behind', { timeout: 240_000 }, async () => {
  const base = measuredScenario({
    name: 'outage',
    customers: 100,
    historyFacts: 400,
    changesPerSecond: 500,
    predictionsPerSecond: 10,
    lookupsPerSecond: 10,
    warmUpUs: secondUs / 2,
    measureUs: secondUs,
    faultUs: 4 * secondUs,
    drainUs: 60 * secondUs,
  });
  const schedule = { kind: 'once', afterUs: secondUs / 2, jitterUs: 0 } as const;
  const { results } = await bench({
    suite: {
      name: 'outage',
      about: '',
      scenarios: [{ ...base, faults: [{ kind: 'change-log-outage', lastsUs: secondUs, schedule }] }],
      arms: [{ architecture: 'lakehouse', specifier: 'lakehouse', params: null }],
      repetitions: 1,
      thresholds: [],
    },
    seed: 1,
    out,
    command: 'npm test',
    prices: standardPrices,
    costs: defaultCosts,
    progress: { begin() {}, phase() {}, finish() {}, end() {} },
    signal: new AbortController().signal,
  });
  const { runs } = await loadResults(results.directory);
  const facts = runs.find(({ plan }) => plan.arm.architecture === 'lakehouse');
  expect(facts?.invalid).toEqual([]);
  expect(facts?.faults[0]?.saw).toBe('the server change-log was gone (SIGKILL)');
  const ledger = facts?.ledger;
  expect(ledger?.examples).toEqual([]);
  expect(ledger).toMatchObject({
    tables: { lost: 0, duplicated: 0, unexpected: 0, quarantineMissing: 0, quarantineUnexpected: 0 },
    behind: 0,
    monotonicViolations: 0,
  });
  // Somebody was refused or left in doubt, and all of it was taken in the end.
  expect((ledger?.failed ?? 0) + (ledger?.indeterminate ?? 0)).toBeGreaterThan(0);
  expect(ledger?.attempted).toBe((ledger?.acknowledged ?? 0) + (ledger?.failed ?? 0) + (ledger?.indeterminate ?? 0));
  expect(facts?.panel.changes.acknowledged.every((acknowledged) => acknowledged === 1)).toBe(true);
});
