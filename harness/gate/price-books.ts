/**
 * Costs are use times prices: of two suites that were priced by different books they differ by the books alone. They are
 * then left out, on both sides, and it is said.
 */
import { createHash } from 'node:crypto';
import type { Baseline } from '../../reports/baseline.js';
import type { PriceBook } from '../../reports/summary.js';
import { metricNames, metricOf } from '../measures/metrics.js';
import { standardPrices } from '../prices/prices.js';

/** SHA-256 of all that a figure takes from a book: other sources of the same prices are no other book. */
export function hashPrices({ prices }: PriceBook): string {
  const values = Object.entries(prices).map(([name, { value }]) => [name, value] as const);
  return createHash('sha256')
    .update(JSON.stringify(values.sort(([a], [b]) => (a < b ? -1 : 1))))
    .digest('hex');
}

/** Baselines from before this was recorded were priced by the book that comes with planebench. */
const bookOf = ({ prices }: Baseline) => prices ?? hashPrices(standardPrices);

/** Both as they were where they have one book; else without what was priced. */
export function withOneBook(a: Baseline, b: Baseline): { a: Baseline; b: Baseline; differ: boolean } {
  if (bookOf(a) === bookOf(b)) return { a, b, differ: false };
  return { a: withoutPriced(a), b: withoutPriced(b), differ: true };
}

export function describeBooks(a: string, b: string): string {
  return `${a} and ${b} were priced by different price books: what a book decides (${priced.join(', ')}) is left out. \`npm run planebench -- report RUN --prices FILE\` prices a run anew.`;
}

const priced = metricNames.filter((name) => metricOf(name).priced);

function withoutPriced(values: Baseline): Baseline {
  const planes = values.planes.map((plane) => ({
    ...plane,
    figures: plane.figures.filter(({ metric }) => !priced.some((name) => name === metric)),
  }));
  return { ...values, planes };
}
