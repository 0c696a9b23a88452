/** Planted defects again with real processes, real servers and a real SIGKILL: those that bite whenever the role dies. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChaosRuns, openChaosRuns } from './chaos-runs.fixture.js';
import { findingsOf } from './findings.js';
import { plantedDefects, specifierOf } from './planted-defects.fixture.js';

let runs: ChaosRuns;
beforeAll(async () => {
  runs = await openChaosRuns('embedded');
});
afterAll(() => runs.close());

const chosen = ['forgetful-restart', 'torn-read', 'ignored-delete'];

describe('planted, on the embedded stack', () => {
  const planted = plantedDefects.filter(({ defect }) => chosen.includes(defect));
  it.each(planted)('$defect is $code', { timeout: 120_000 }, async ({ defect, code, others, faults }) => {
    const facts = await runs.run(specifierOf(defect), faults, 1);
    if (!facts?.ledger) throw new Error(`${defect}: no ledger: ${JSON.stringify(facts?.invalid)}`);
    expect(facts.invalid).toEqual([]);
    for (const fault of facts.faults) expect(fault.saw).toMatch(/SIGKILL/);
    const codes: string[] = findingsOf(facts.ledger).map((finding) => finding.code);
    const told = facts.ledger.examples.join('\n');
    expect(codes, told).toContain(code);
    const allowed: readonly string[] = [code, ...others];
    expect(
      codes.filter((found) => !allowed.includes(found)),
      told,
    ).toEqual([]);
  });
});
