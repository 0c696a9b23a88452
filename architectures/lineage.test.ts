/** Every plane accounts for everything that it has stored, also when a role was killed; one that leaves a record out does not. */
import { afterEach, describe, expect, it } from 'vitest';
import { openSimulations, type Simulations } from './fixture-simulation.js';

let simulations: Simulations | null = null;
afterEach(() => simulations?.close());

async function lineageOf(plane: string, role: string, wait: number | null) {
  simulations = await openSimulations(plane, role);
  const crash = wait === null ? null : { role, wait, answered: true };
  const { facts } = await simulations.run(5, crash);
  expect(facts.invalid).toEqual([]);
  return facts.lineage;
}

describe.each([
  // Tables of history and changes, what they imply, and the rows that are served; two roles of each plane write.
  { plane: 'lakehouse', role: 'stream', tables: 8, runs: 2 },
  { plane: 'warehouse', role: 'loader', tables: 8, runs: 1 },
  { plane: 'lambda', role: 'batch', tables: 8, runs: 2 },
  { plane: 'lambda', role: 'speed', tables: 8, runs: 2 },
])('the $plane', ({ plane, role, tables, runs }) => {
  it('accounts for every table', async () => {
    const lineage = await lineageOf(plane, role, null);
    expect(lineage).toMatchObject({ gaps: [], assets: tables, covered: tables, runs });
  });

  it(`accounts for every table when its ${role} was killed: by one more run`, async () => {
    const lineage = await lineageOf(plane, role, 12);
    expect(lineage).toMatchObject({ gaps: [], assets: tables, covered: tables, runs: runs + 1 });
  });
});
