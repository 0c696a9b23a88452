/** One run of the lakehouse in which servers are killed under load: what its clients do about it is not simulated. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { benchQuietly } from '../harness/fixture-bench.js';
import type { RunFacts } from '../harness/record/facts.js';
import { loadResults } from '../harness/results.js';
import type { FaultPlan } from '../harness/scenario.js';
import type { StackName } from '../harness/stacks/stack.js';
import { measuredScenario } from '../harness/suites/measured.js';
import { secondUs } from '../workloads/durations.js';

export async function runOutages(stack: StackName, faults: readonly FaultPlan[], faultUs: number): Promise<RunFacts> {
  const out = await mkdtemp(join(tmpdir(), `planebench-${stack}-outage-`));
  try {
    const base = measuredScenario({
      name: 'outage',
      customers: 100,
      historyFacts: 400,
      changesPerSecond: 500,
      predictionsPerSecond: 10,
      lookupsPerSecond: 10,
      warmUpUs: secondUs / 2,
      measureUs: secondUs,
      faultUs,
      drainUs: 60 * secondUs,
    });
    const suite = {
      name: 'outage',
      scenarios: [{ ...base, stack, faults }],
      arms: [{ architecture: 'lakehouse', specifier: 'lakehouse', params: null }],
      repetitions: 1,
    };
    const { results } = await benchQuietly(suite, { seed: 1, out });
    const { runs } = await loadResults(results.directory);
    return runs[0] as RunFacts;
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

export function expectNothingLost({ invalid, ledger, panel }: RunFacts): void {
  expect(invalid).toEqual([]);
  expect(ledger?.examples).toEqual([]);
  expect(ledger).toMatchObject({
    tables: { lost: 0, duplicated: 0, unexpected: 0, quarantineMissing: 0, quarantineUnexpected: 0 },
    behind: 0,
    monotonicViolations: 0,
  });
  expect(ledger?.attempted).toBe((ledger?.acknowledged ?? 0) + (ledger?.failed ?? 0) + (ledger?.indeterminate ?? 0));
  expect(panel.changes.acknowledged.every((acknowledged) => acknowledged === 1)).toBe(true);
}
