/** What the harness finds of the batch work of our planes: that all of it is right. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchFacts, LineageFacts, RunFacts } from '../harness/record/facts.js';
import { batchScenario, openSimulations, type Simulations } from './fixture-simulation.js';

describe.each(['lakehouse', 'warehouse', 'lambda'])('batch work of %s, simulated', (plane) => {
  let simulations: Simulations;
  let batch: BatchFacts;
  let lineage: LineageFacts | null;
  let storage: Pick<RunFacts, 'inventories' | 'stored'>;
  beforeAll(async () => {
    simulations = await openSimulations(plane, 'batch', batchScenario);
    const { facts } = await simulations.run(1, null);
    expect(facts.invalid).toEqual([]);
    batch = facts.batch as BatchFacts;
    lineage = facts.lineage;
    storage = facts;
  }, 300_000);
  afterAll(() => simulations.close());

  it('accounts for every table that it wrote', () => {
    // Two of the warehouse's are snapshots.
    const tables = { lakehouse: 13, warehouse: 14, lambda: 12 }[plane];
    expect(lineage).toMatchObject({ gaps: [], assets: tables, covered: tables });
  });

  it('takes up more room behind the ports that it uses than it says that its tables hold', () => {
    const { inventories, stored } = storage;
    const inUse = plane === 'warehouse' ? ['tables', 'warehouse'] : ['onlineStore', 'tables'];
    expect(Object.keys(stored ?? {})).toEqual(inUse);
    const bytes = Object.values(stored ?? {}).reduce((sum, { hot, warm, cold }) => sum + hot + warm + cold, 0);
    expect(bytes).toBeGreaterThan(inventories.afterLoad!.bytes);
  });

  it('is right in every row, and the same again', () => {
    expect(batch.examples).toEqual([]);
    expect(batch.scored).toEqual({ checked: 40 + 8, wrong: 0 });
    expect(batch.training).toMatchObject({ checked: 400, wrong: 0, leaked: 0, labels: 400 });
    expect(batch.rebuilt).toEqual({ scored: { times: 2, same: 2 }, training: { times: 1, same: 1 } });
  });

  it('was asked for every step, beside the load and after it', () => {
    expect(batch.steps.map(({ kind, besideLoad, rows }) => [kind, besideLoad, rows])).toEqual([
      ['snapshot', true, 40],
      ['score', true, 40],
      ['snapshot', false, 40],
      ['score', false, 8],
      ['score', false, 8],
      ['score', false, 40],
      ['training-set', false, 400],
      ['training-set', false, 400],
    ]);
    expect(batch.steps.every(({ failure, hostUs }) => failure === null && hostUs > 0)).toBe(true);
  });

  it('has labels as unbalanced as the paper has them', () => {
    expect(batch.training.positives / batch.training.labels).toBeGreaterThan(0.05);
    expect(batch.training.positives / batch.training.labels).toBeLessThan(0.2);
  });
});
