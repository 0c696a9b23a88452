/**
 * Every fault of a run's own time with real processes and servers: an ordeal of one run for the lakehouse, and for the
 * warehouse what befalls its server. Nothing here depends on how fast the machine is.
 */
import { expect, it } from 'vitest';
import { runOnMachine } from './fixture-machine-run.js';
import { ordealScenario } from './fixture-ordeal.js';
import { expectSurvived } from './fixture-survived.js';

it('the lakehouse survives all of them, one after the other', { timeout: 240_000 }, async () => {
  const facts = await runOnMachine('lakehouse', ordealScenario());
  expect(facts.faults).toHaveLength(11);
  expect(facts.faults.filter(({ notApplicable }) => notApplicable !== null)).toEqual([]);
  expectSurvived(facts);
  // Of what the change log did not take, or left in doubt, all was taken in the end.
  expect((facts.ledger?.failed ?? 0) + (facts.ledger?.indeterminate ?? 0)).toBeGreaterThan(0);
  expect(facts.faults.find(({ kind }) => kind === 'change-log-outage')?.saw).toBe(
    'the server change-log was gone (SIGKILL)',
  );
  // The machine's own word: the outages were exits of servers, the crashes of the role that ingests.
  const restarts = Object.fromEntries(facts.processes.map(({ name, restarts: count }) => [name, count]));
  expect(restarts).toMatchObject({ 'change-log': 1, 'online-store': 2 });
  expect(restarts.stream).toBeGreaterThanOrEqual(3);
});

it('the warehouse survives that its server is gone, and that it has no room', {
  timeout: 240_000,
}, async () => {
  const facts = await runOnMachine('warehouse', ordealScenario(['table-store-outage', 'full-disk']));
  expect(facts.faults.map(({ kind, target }) => [kind, target])).toEqual([
    ['table-store-outage', 'warehouse'],
    ['full-disk', 'warehouse'],
  ]);
  expectSurvived(facts);
  expect(facts.processes.find(({ name }) => name === 'warehouse')?.restarts).toBe(1);
});
