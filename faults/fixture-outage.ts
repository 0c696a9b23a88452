/** One run of the lakehouse in which servers are killed under load: what its clients do about it is not simulated. */
import { expect } from 'vitest';
import type { RunFacts } from '../harness/record/facts.js';
import type { FaultPlan, Scenario } from '../harness/scenario.js';
import type { StackName } from '../harness/stacks/stack.js';
import { smallSize } from '../harness/suites/fixture-size.js';
import { measuredScenario } from '../harness/suites/measured.js';
import { runOnMachine } from './fixture-machine-run.js';

export async function runOutages(
  stack: StackName,
  faults: readonly FaultPlan[],
  faultUs: number,
  more: Pick<Scenario, 'brokers'> = {},
): Promise<RunFacts> {
  const base = measuredScenario({
    name: 'outage',
    ...smallSize,
    faultUs,
  });
  return runOnMachine('lakehouse', { ...base, ...more, stack, faults });
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
