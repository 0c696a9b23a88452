/**
 * The ledger proves itself: planes with one planted defect each, of which it must name the mistake, and sound planes
 * under random faults, of which it must say nothing. Simulated; planted-processes.test.ts has a sample of real processes.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChaosRuns, drawFaults, openChaosRuns } from './chaos-runs.fixture.js';
import { findingsOf } from './findings.js';
import { plantedDefects, specifierOf } from './planted-defects.fixture.js';

let runs: ChaosRuns;
beforeAll(async () => {
  runs = await openChaosRuns('simulated');
});
afterAll(() => runs.close());

const seeds = [1, 2, 3];
const named: string[] = [];

describe('planted', () => {
  it.each(plantedDefects)('$defect is $code', { timeout: 300_000 }, async ({ defect, code, others, faults }) => {
    const found: string[][] = [];
    for (const seed of seeds) {
      const facts = await runs.run(specifierOf(defect), faults, seed);
      if (!facts?.ledger) throw new Error(`${defect}, seed ${seed}: no ledger: ${JSON.stringify(facts?.invalid)}`);
      expect(facts.invalid, `${defect}, seed ${seed}`).toEqual([]);
      // A score that follows from a wrong row names no mistake by itself.
      const codes = findingsOf(facts.ledger)
        .map((finding) => finding.code as string)
        .filter((found) => found === code || found !== 'MISSCORED');
      const told = `${defect}, seed ${seed}: ${facts.ledger.examples.join('\n')}`;
      // Where it has bitten it is named, whatever else comes with it.
      if (codes.length > 0) expect(codes, told).toContain(code);
      expect(
        codes.filter((other) => other !== code && !(others as readonly string[]).includes(other)),
        told,
      ).toEqual([]);
      found.push(codes);
    }
    const bitten = found.filter((codes) => codes.includes(code));
    expect(bitten.length, `${defect} has bitten in none of ${seeds.length} runs`).toBeGreaterThan(0);
    named.push(defect);
    console.log(
      `${defect}: ${code} in ${bitten.length} of ${seeds.length} runs; ${found.map((all) => all.join(' ') || 'nothing').join(' | ')}`,
    );
  });
});

const planes = ['lakehouse', 'warehouse', 'lambda'];
const soundRuns = 50;
const mostSeeds = 120;

it(`says nothing of sound planes in ${soundRuns} runs under one or two random faults`, {
  timeout: 600_000,
}, async () => {
  let sound = 0;
  let findings = 0;
  for (let seed = 10; sound < soundRuns && seed < 10 + mostSeeds; seed++) {
    const plane = planes[seed % planes.length] as string;
    const faults = drawFaults(seed);
    const facts = await runs.run(plane, faults, seed);
    // A fault that cannot strike, or was not seen to, puts nobody to the proof.
    if (!facts || facts.faults.some(({ witnessedUs }) => witnessedUs === null)) continue;
    const told = `${plane}, seed ${seed}, ${faults.map(({ kind }) => kind).join(' and ')}`;
    expect(facts.invalid, told).toEqual([]);
    if (!facts.ledger) throw new Error(`${told}: no ledger`);
    const found = findingsOf(facts.ledger);
    expect(found, `${told}: ${facts.ledger.examples.join('\n')}`).toEqual([]);
    findings += found.length;
    sound++;
  }
  expect(sound).toBe(soundRuns);
  expect(named).toEqual(plantedDefects.map(({ defect }) => defect));
  console.log(
    `${named.length} of ${plantedDefects.length} planted defects named; ${findings} findings in ${sound} sound runs`,
  );
});
