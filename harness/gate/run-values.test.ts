/** What a baseline says of a suite beside its figures. */
import { expect, it } from 'vitest';
import type { Manifest } from '../../reports/summary.js';
import { plantRun } from '../measures/planted-run.js';
import { standardPrices } from '../prices/prices.js';
import type { RunFacts } from '../record/facts.js';
import { hashPrices } from './price-books.js';
import { valuesOf } from './run-values.js';

const serviceTimes = 'ab'.repeat(32);
const manifest = {
  suite: 'planted',
  seed: 1,
  repetitions: 1,
  endedAt: '2026-01-01T00:00:00.000Z',
  interrupted: false,
  git: { commit: null },
  machine: {},
  serviceTimes,
} as unknown as Manifest;
const values = (run: RunFacts) => valuesOf(manifest, [run], standardPrices);

it('its prices, and its service times where it was simulated', () => {
  const run = plantRun();
  expect(values(run).prices).toBe(hashPrices(standardPrices));
  expect(values(run).scenarios[0]).not.toHaveProperty('serviceTimes');
  const plan: RunFacts['plan'] = { ...run.plan, scenario: { ...run.plan.scenario, stack: 'simulated' } };
  expect(values({ ...run, plan }).scenarios).toMatchObject([{ badge: 'simulated', serviceTimes }]);
});

it('what a plane did not offer, which is not what was not measured', () => {
  const run = plantRun();
  const outside = { ...run, outside: true, ledger: run.ledger && { ...run.ledger, personalDataLeaks: null } };
  const [[plane], [without]] = [values(run).planes, values(outside).planes];
  const metricsOf = (one: typeof plane) => one?.figures.map(({ metric }) => metric);
  expect(plane?.notOffered).not.toContain('ledger.personal_data_leaks');
  expect(without?.notOffered).toContain('ledger.personal_data_leaks');
  expect(metricsOf(plane)).toEqual(expect.arrayContaining(['resources.cpu', 'cost.per_slo_point']));
  for (const name of ['ledger.personal_data_leaks', 'resources.cpu', 'cost.per_slo_point'])
    expect(metricsOf(without)).not.toContain(name);
  expect(without?.notOffered).not.toContain('resources.cpu');
});
