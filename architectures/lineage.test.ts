/** A plane accounts for everything that it has stored, also when a role was killed; one that leaves a record out does not. */
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { projectDirectory } from '../harness/testbed.js';
import { batchScenario, openSimulations, type Simulations, smallScenario } from './fixture-simulation.js';

let simulations: Simulations | null = null;
afterEach(() => simulations?.close());

async function lineageOf(plane: string, role: string, wait: number | null, scenario = smallScenario) {
  simulations = await openSimulations(plane, role, scenario);
  const crash = wait === null ? null : { role, wait, answered: true };
  const { facts } = await simulations.run(5, crash);
  expect(facts.invalid).toEqual([]);
  expect(facts.processes.find(({ name }) => name === role)?.restarts).toBe(crash === null ? 0 : 1);
  return facts.lineage;
}

describe.each([
  // Tables of history and changes, what they imply, and the rows that are served. `wait`: of the killed role, for a port.
  { plane: 'lakehouse', role: 'stream', wait: 40, tables: 7, runs: 3 },
  { plane: 'warehouse', role: 'loader', wait: 40, tables: 12, runs: 2 },
  { plane: 'lambda', role: 'batch', wait: 5, tables: 8, runs: 2 },
  { plane: 'lambda', role: 'speed', wait: 40, tables: 8, runs: 2 },
])('the $plane', ({ plane, role, wait, tables, runs }) => {
  it(`accounts for every table when its ${role} was killed: by one more run`, async () => {
    const lineage = await lineageOf(plane, role, wait);
    expect(lineage).toMatchObject({ gaps: [], assets: tables, covered: tables, runs: runs + 1 });
  });
});

const defectOf = (name: string) =>
  join(projectDirectory, 'dist', 'architectures', 'lakehouse', 'fixture-defects', `${name}.js`);

it('finds one job that kept silent among others of its role that did not', async () => {
  const lineage = await lineageOf(defectOf('silent-scoring'), 'batch', null, batchScenario);
  expect(lineage).toMatchObject({ assets: 13, covered: 12 });
  expect(lineage?.gaps).toEqual([
    expect.stringMatching(/tables\/scored: run .* wrote a data file of it, and no event/),
  ]);
});

it('finds the tables of a role that keeps silent', async () => {
  const silent = defectOf('silent-compactor');
  const lineage = await lineageOf(silent, 'stream', null, batchScenario);
  expect(lineage?.assets).toBe(13);
  expect(lineage?.covered).toBe(13 - (lineage?.gaps.length as number));
  expect(lineage?.gaps.join()).toMatch(/tables\/current: no event names it as an output/);
});
