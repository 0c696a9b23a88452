/** A suite of a test's own, run without a word. */
import { type BenchOutcome, bench } from './bench.js';
import { standardPrices } from './prices/prices.js';
import { defaultCosts } from './simulation/costs.js';
import type { Suite } from './suite.js';

export function benchQuietly(
  suite: Pick<Suite, 'name' | 'scenarios' | 'arms' | 'repetitions'>,
  { seed, out }: { readonly seed: number; readonly out: string },
): Promise<BenchOutcome> {
  return bench({
    suite: { ...suite, about: '', thresholds: [], floor: false },
    seed,
    out,
    command: 'npm test',
    prices: standardPrices,
    costs: defaultCosts,
    progress: { begin() {}, phase() {}, finish() {}, end() {} },
    signal: new AbortController().signal,
  });
}
