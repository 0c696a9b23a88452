import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meanBound, quantileBound, quantileOf, quantileRank, sortSamples } from './samples.js';

describe('quantiles of one run', () => {
  it('are observed values: ranks of the inverse distribution function', () => {
    const twenty = sortSamples(Array.from({ length: 20 }, (_, i) => 20 - i));
    expect(quantileOf(twenty, 0.5)).toBe(10);
    expect(quantileOf(twenty, 0.95)).toBe(19);
    expect(quantileOf(twenty, 0.951)).toBe(20);
    expect(quantileOf(twenty, 0)).toBe(1);
    expect(quantileOf(twenty, 1)).toBe(20);
  });

  it('do not slip a rank because p n is a rounding error above a whole number', () => {
    expect(0.07 * 100).toBeGreaterThan(7);
    expect(quantileRank(100, 0.07)).toBe(7);
    expect(quantileRank(1_000_000, 0.99)).toBe(990_000);
  });

  it('have no value, only a bound, where they fall among what never ended', () => {
    const samples = sortSamples([1, 2, 3, 4, 5, 6, 7, 8], [3, 20]);
    expect(quantileOf(samples, 0.8)).toBe(8);
    expect(quantileOf(samples, 0.9)).toBe(Number.POSITIVE_INFINITY);
    expect(quantileBound([samples], 0.9)).toBe(8);
    expect(quantileBound([samples], 1)).toBe(20);
    expect(meanBound([samples])).toBe(5.9);
  });

  it('are NaN, never 0, of nothing', () => {
    expect(quantileOf(sortSamples([]), 0.5)).toBeNaN();
    expect(quantileBound([], 0.5)).toBeNaN();
  });

  it('rise with p, and never fall when something more did not end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 60 }),
        fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 5 }),
        fc.integer({ min: 0, max: 100 }),
        fc.integer({ min: 0, max: 100 }),
        (observed, censored, a, b) => {
          const samples = sortSamples(observed, censored);
          const [low, high] = a < b ? [a / 100, b / 100] : [b / 100, a / 100];
          expect(quantileOf(samples, low)).toBeLessThanOrEqual(quantileOf(samples, high));
          const more = sortSamples(observed, [...censored, 0]);
          expect(quantileOf(more, high)).toBeGreaterThanOrEqual(quantileOf(samples, high));
        },
      ),
    );
  });
});
