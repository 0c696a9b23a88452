/** What every run through an ordeal must come to. */
import { expect } from 'vitest';
import type { RunFacts } from '../harness/record/facts.js';
import { sightOf } from './fixture-ordeal.js';

export function expectSurvived({ faults, ledger, invalid, timeline }: RunFacts): void {
  expect(invalid).toEqual([]);
  for (const { kind, saw, notApplicable, ...times } of faults) {
    if (notApplicable !== null) continue;
    expect(saw ?? 'nothing', `${kind} was witnessed`).toMatch(sightOf(kind));
    const { armedUs, injectedUs, witnessedUs, healedUs, readyUs } = times;
    const moments = [armedUs, injectedUs, healedUs, readyUs].map((atUs) => atUs ?? Number.NaN);
    expect(moments, `${kind} came to its end`).not.toContain(Number.NaN);
    expect(moments, `${kind} in order`).toEqual(moments.toSorted((a, b) => a - b));
    expect(witnessedUs).toBeGreaterThanOrEqual(injectedUs as number);
    expect(injectedUs).toBeLessThan(timeline.loadEndUs);
  }
  if (!ledger) throw new Error('there is no ledger');
  const { attempted, acknowledged, failed, indeterminate, tables, behind, final, settled } = ledger;
  expect(acknowledged).toBeGreaterThan(500);
  expect(acknowledged + failed + indeterminate, 'the books balance').toBe(attempted);
  expect(tables, 'nothing is lost, nothing is there twice').toMatchObject({ lost: 0, duplicated: 0, unexpected: 0 });
  const rows = settled ?? final;
  expect(rows.checked).toBeGreaterThan(0);
  expect(rows.right).toBe(rows.checked);
  expect(behind).toBe(0);
}
