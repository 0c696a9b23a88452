/**
 * The ingesting role dies at every place where it waits for a port, before the port has heard of it and after the port
 * has done its work; then the ledger balances. In virtual time, with the roles as they are.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { openSimulations, type Simulations } from './fixture-simulation.js';

const opened: Simulations[] = [];
afterAll(async () => {
  for (const simulations of opened) await simulations.close();
});

/** Seeds share traces: what differs from one to the next is where the role dies. */
const traceSeeds = [1, 2, 3, 4, 5];

describe.each([
  // CI has time for the greater part of them.
  { plane: 'lakehouse', role: 'stream', seeds: process.env.PLANEBENCH_FULL_SIZE ? 500 : 300 },
  { plane: 'warehouse', role: 'loader', seeds: 30 },
  { plane: 'lambda', role: 'speed', seeds: 15 },
])('$plane', ({ plane, role, seeds }) => {
  it(`keeps its promises whenever ${role} dies, over ${seeds} seeds`, { timeout: 600_000 }, async () => {
    const simulations = await openSimulations(plane, role);
    opened.push(simulations);
    const waits = new Map<number, number>();
    for (const seed of traceSeeds) {
      const { facts, waits: counted } = await simulations.run(seed, null);
      expect(facts.invalid).toEqual([]);
      waits.set(seed, counted);
    }
    const struck = new Set<string>();
    for (let seed = 0; seed < seeds; seed++) {
      const traceSeed = traceSeeds[seed % traceSeeds.length] as number;
      const turn = Math.floor(seed / traceSeeds.length);
      const answered = turn % 2 === 1;
      const points = waits.get(traceSeed) as number;
      // Spread over all waits of the run; each is met where there are seeds enough.
      const wait =
        1 + ((Math.floor(turn / 2) * Math.max(1, Math.floor((points * 2 * traceSeeds.length) / seeds))) % points);
      const { facts } = await simulations.run(traceSeed, { role, wait, answered });
      struck.add(`${traceSeed} ${wait} ${answered}`);
      const where = `${role} killed ${answered ? 'after' : 'before'} the answer of wait ${wait} of ${points}, trace ${traceSeed}`;
      expect(facts.invalid, where).toEqual([]);
      expect(facts.processes.find(({ name }) => name === role)?.restarts, where).toBe(1);
      const { tables, final, settled, behind, monotonicViolations, examples } = facts.ledger ?? {};
      const told = `${where}: ${examples?.join('; ')}`;
      expect(tables, told).toMatchObject({
        lost: 0,
        duplicated: 0,
        unexpected: 0,
        quarantineMissing: 0,
        quarantineUnexpected: 0,
      });
      expect(behind, told).toBe(0);
      // Lambda counts again what came since its last position, until its next batch: that is its bargain.
      const last = settled ?? final;
      expect(last?.checked, told).toBeGreaterThan(0);
      expect(last?.right, told).toBe(last?.checked);
      if (plane === 'lakehouse') expect(monotonicViolations, told).toBe(0);
    }
    expect(struck.size).toBeGreaterThan(seeds / 2);
  });
});
