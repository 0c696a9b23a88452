/** One suite of values, priced by the standard book and by another. */
import { expect, it } from 'vitest';
import type { PriceBook } from '../../reports/summary.js';
import { standardPrices } from '../prices/prices.js';
import { chanceOf } from '../summary/estimates.js';
import { compareSuites } from './compare.js';
import { plantedScenarios, plantValues } from './fixture-values.js';
import { judgeGate } from './gate.js';
import { hashPrices, withOneBook } from './price-books.js';
import { demandsOf, type Threshold } from './thresholds.js';

const { cpu, ...others } = standardPrices.prices;
const priced = (change: Partial<typeof cpu>): PriceBook => ({
  ...standardPrices,
  name: 'Mine',
  prices: { cpu: { ...cpu, ...change }, ...others },
});
const tenfold = priced({ value: 10 * cpu.value });

const suite = (usd: number, prices?: string) =>
  plantValues(
    {
      a: {
        'freshness.visibility.p95': Array.from({ length: 10 }, () => 1_000),
        'cost.per_1k_predictions.mean': Array.from({ length: 10 }, () => usd),
        'storage.tier_cost_saved.share': Array.from({ length: 10 }, () => 0.5),
      },
    },
    prices === undefined ? {} : { prices },
  );
const standard = suite(1);
const dear = suite(10, hashPrices(tenfold));
const sentence =
  /were priced by different price books: .*\(storage\.tier_cost_saved, cost\.per_1k_predictions, .*\) is left out/;

it('is another book if any price is another, not if it is told otherwise', () => {
  expect(hashPrices(tenfold)).not.toBe(hashPrices(standardPrices));
  expect(hashPrices(priced({ about: 'seen elsewhere', low: 0 }))).toBe(hashPrices(standardPrices));
  expect(withOneBook(standard, suite(1, hashPrices(standardPrices))).differ).toBe(false);
  expect(withOneBook(standard, dear).differ).toBe(true);
});

it('compares no costs of different books, and says so', () => {
  const compare = (b: typeof dear) =>
    compareSuites({ name: 'A', values: standard }, { name: 'B', values: b }, chanceOf(1));
  const metricsOf = ({ figures }: ReturnType<typeof compare>) => figures.map(({ metric }) => metric);
  expect(metricsOf(compare(dear))).toEqual(['freshness.visibility']);
  expect(compare(dear).sentences.join('\n')).toMatch(sentence);
  const same = compare(suite(10));
  expect(metricsOf(same)).toContain('cost.per_1k_predictions');
  expect(same.sentences.join('\n')).not.toMatch(sentence);
});

it('judges a gate without them: what demands a cost is open, and exactly the same is the rest', () => {
  const simulated = standard.scenarios.map((one) => ({ ...one, badge: 'simulated' as const, stack: 'simulated' }));
  const gate = (thresholds: readonly Threshold[], candidate: typeof dear) => {
    const baseline = { ...standard, scenarios: simulated };
    const planned = { suite: 'planted', scenarios: plantedScenarios, architectures: ['a'], thresholds };
    return judgeGate({
      candidate: { ...candidate, scenarios: simulated },
      baseline,
      demands: demandsOf(planned, baseline),
      chance: chanceOf(1),
      run: 'run',
      file: 'file',
      exact: true,
    });
  };
  const visible: Threshold = { metric: 'freshness.visibility', statistic: 'p95', kind: 'relative', margin: 0 };
  const cheap: Threshold = { metric: 'cost.per_1k_predictions', statistic: 'mean', kind: 'relative', margin: 0 };
  expect(gate([visible], dear).outcome).toBe('pass');
  expect(gate([visible], dear).sentences.join('\n')).toMatch(sentence);
  expect(gate([visible, cheap], dear).thresholds.map(({ outcome }) => outcome)).toEqual(['pass', 'inconclusive']);
  expect(gate([visible], suite(10)).outcome).toBe('fail');
});
