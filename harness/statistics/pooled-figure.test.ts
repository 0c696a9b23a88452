import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateOf, figuresByRun, pooledMean, pooledQuantile, pooledRatio } from './pooled-figure.js';
import { quantileOf, sortSamples } from './samples.js';

const run = fc.record({
  observed: fc.array(fc.integer({ min: -20, max: 20 }), { maxLength: 30 }),
  censored: fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 3 }),
});

describe('the pooled quantile', () => {
  it('is that of the observations themselves, each copied as often as its run counts', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(run, fc.integer({ min: 0, max: 4 })), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 99 }),
        (weighted, percent) => {
          const p = percent / 100;
          const copies = weighted.flatMap(([part, weight]) => Array.from({ length: weight }, () => part));
          const expected = quantileOf(
            sortSamples(
              copies.flatMap((part) => part.observed),
              copies.flatMap((part) => part.censored),
            ),
            p,
          );
          const figure = pooledQuantile(
            weighted.map(([part]) => sortSamples(part.observed, part.censored)),
            p,
          );
          expect(figure.at(weighted.map(([, weight]) => weight))).toEqual(expected);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is not the mean of the runs’ quantiles', () => {
    const busy = sortSamples(Array.from({ length: 990 }, () => 1));
    const slow = sortSamples(Array.from({ length: 10 }, () => 1000));
    expect(estimateOf(pooledQuantile([busy, slow], 0.95))).toBe(1);
    expect(figuresByRun(pooledQuantile([busy, slow], 0.95))).toEqual([1, 1000]);
  });
});

describe('pooled ratios and means', () => {
  it('weigh runs by their denominators', () => {
    const rate = pooledRatio([
      { numerator: 10, denominator: 1 },
      { numerator: 30, denominator: 3 },
      { numerator: 100, denominator: 6 },
    ]);
    expect(estimateOf(rate)).toBe(14);
    expect(rate.at([1, 1, 0])).toBe(10);
    expect(rate.at([0, 0, 0])).toBeNaN();
  });

  it('have no mean as soon as something never ended, and not before', () => {
    const mean = pooledMean([sortSamples([1, 3]), sortSamples([5], [2])]);
    expect(estimateOf(mean)).toBe(Number.POSITIVE_INFINITY);
    expect(mean.at([1, 0])).toBe(2);
  });
});
