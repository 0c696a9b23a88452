import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../random.js';
import { deleteOneFigures, type IntervalOptions, intervalOverRuns, jackknifeError } from './interval.js';
import { estimateOf, pooledQuantile, pooledRatio } from './pooled-figure.js';
import { drawResamples } from './resamples.js';
import { sortSamples } from './samples.js';

const mean = (values: readonly number[]) => pooledRatio(values.map((numerator) => ({ numerator, denominator: 1 })));
const jackknife = (domain: IntervalOptions['domain']): IntervalOptions => ({ domain, level: 0.95, resamples: null });

/** Survival in days of the treated mice, Efron and Tibshirani 1993, table 2.1: mean 86.86, standard error 25.24. */
const mice = [94, 197, 16, 38, 99, 141, 23];

describe('the jackknife', () => {
  it('gives a mean its published standard error and the classical t interval', () => {
    expect(estimateOf(mean(mice))).toBeCloseTo(86.86, 2);
    expect(jackknifeError(deleteOneFigures(mean(mice)))).toBeCloseTo(25.24, 2);
    const { interval, method } = intervalOverRuns(mean(mice), jackknife('real'));
    // t(0.975; 6) = 2.4469
    expect(interval?.lowerBound).toBeCloseTo(86.857 - 2.4469 * 25.2355, 2);
    expect(interval?.upperBound).toBeCloseTo(86.857 + 2.4469 * 25.2355, 2);
    expect(method).toBe('jackknife-t over runs (linear)');
  });

  it('works on the log scale for positive figures, so that no bound is negative', () => {
    const { interval, method } = intervalOverRuns(mean([1, 1, 1, 1, 40]), jackknife('positive'));
    expect(method).toBe('jackknife-t over runs (log)');
    expect(interval?.lowerBound).toBeGreaterThan(0);
    expect(intervalOverRuns(mean([0, 0, 0, 0, 40]), jackknife('positive')).method).toBe(
      'jackknife-t over runs (linear)',
    );
    expect(intervalOverRuns(mean([0, 0, 0, 0, 40]), jackknife('positive')).interval?.lowerBound).toBe(0);
  });

  it('keeps shares between 0 and 1', () => {
    const { interval } = intervalOverRuns(mean([1, 1, 0.2, 1]), jackknife('share'));
    expect(interval?.upperBound).toBe(1);
    expect(intervalOverRuns(mean([0, 0, 0.2, 0]), jackknife('share')).interval?.lowerBound).toBe(0);
  });

  it('scales with the unit, shifts with the origin, and does not depend on the order of the runs', () => {
    const runs = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 2, maxLength: 9 });
    fc.assert(
      fc.property(runs, fc.integer({ min: 1, max: 1000 }), (values, factor) => {
        const plain = intervalOverRuns(mean(values), jackknife('positive')).interval;
        const scaled = intervalOverRuns(mean(values.map((v) => v * factor)), jackknife('positive')).interval;
        const reversed = intervalOverRuns(mean([...values].reverse()), jackknife('positive')).interval;
        const shifted = intervalOverRuns(mean(values.map((v) => v + factor)), jackknife('real')).interval;
        const real = intervalOverRuns(mean(values), jackknife('real')).interval;
        expect(scaled === null).toBe(plain === null);
        if (!plain || !scaled || !reversed || !shifted || !real) return;
        expect(scaled.lowerBound / (plain.lowerBound * factor)).toBeCloseTo(1, 6);
        expect(scaled.upperBound / (plain.upperBound * factor)).toBeCloseTo(1, 6);
        expect(reversed.upperBound / plain.upperBound).toBeCloseTo(1, 6);
        expect(shifted.lowerBound - factor).toBeCloseTo(real.lowerBound, 6);
      }),
    );
  });
});

describe('where no interval can be given, none is, and the method says why', () => {
  it('one run', () => {
    expect(intervalOverRuns(mean([5]), jackknife('positive'))).toEqual({
      interval: null,
      isSameInAll: false,
      method: 'none: one run has no interval over runs',
    });
  });
  it('no variation: equal runs are not proof of certainty', () => {
    expect(intervalOverRuns(mean([0.1, 0.1, 0.1]), jackknife('share'))).toEqual({
      interval: null,
      isSameInAll: true,
      method: 'none: the same in every run',
    });
  });
  it('censoring', () => {
    const stuck = sortSamples([1, 2], [9, 9, 9]);
    const sound = sortSamples([1, 2, 3, 4, 5]);
    const { interval, method } = intervalOverRuns(pooledQuantile([stuck, sound, sound], 0.8), jackknife('positive'));
    expect(interval).toBeNull();
    expect(method).toContain('right-censored');
  });
  it('a run without which the figure is undefined', () => {
    const figure = pooledRatio([
      { numerator: 3, denominator: 1 },
      { numerator: 0, denominator: 0 },
    ]);
    expect(intervalOverRuns(figure, jackknife('positive')).interval).toBeNull();
  });
});

describe('the studentised bootstrap', () => {
  const latencies = (seed: number) => {
    const random = seededRandom(seed);
    return Array.from({ length: 12 }, () => {
      const level = 1 + random.unit();
      return sortSamples(Array.from({ length: 400 }, () => -level * Math.log(1 - random.unit())));
    });
  };
  const resamples = (seed: number) => drawResamples(12, 2_000, seededRandom(seed));

  it('is used from 10 runs on, and is a function of data and seed only', () => {
    const figure = pooledQuantile(latencies(1), 0.95);
    const once = intervalOverRuns(figure, { domain: 'positive', level: 0.95, resamples: resamples(7) });
    const again = intervalOverRuns(pooledQuantile(latencies(1), 0.95), {
      domain: 'positive',
      level: 0.95,
      resamples: resamples(7),
    });
    expect(once.method).toBe('bootstrap-t over runs (log)');
    expect(again).toEqual(once);
    const other = intervalOverRuns(figure, { domain: 'positive', level: 0.95, resamples: resamples(8) });
    expect(other.interval).not.toEqual(once.interval);
    expect(other.interval?.lowerBound).toBeCloseTo(once.interval?.lowerBound ?? Number.NaN, 0);
  });

  it('holds the estimate, and a wider level holds a narrower one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1000 }), (seed) => {
        const figure = pooledQuantile(latencies(seed), 0.5);
        const at = (level: number) =>
          intervalOverRuns(figure, { domain: 'positive', level, resamples: resamples(3) }).interval;
        const [narrow, wide] = [at(0.8), at(0.99)];
        if (!narrow || !wide) throw new Error('expected intervals');
        expect(wide.lowerBound).toBeLessThanOrEqual(narrow.lowerBound);
        expect(wide.upperBound).toBeGreaterThanOrEqual(narrow.upperBound);
        expect(narrow.lowerBound).toBeLessThanOrEqual(estimateOf(figure));
        expect(narrow.upperBound).toBeGreaterThanOrEqual(estimateOf(figure));
      }),
      { numRuns: 20 },
    );
  });

  it('gives way to the jackknife where it has broken down', () => {
    // One run in ten is 20 times as high: a third of the resamples lack it and have next to no spread.
    const figure = mean([1, 1.001, 1.002, 1.003, 1.004, 1.005, 1.006, 1.007, 1.008, 20]);
    const { interval, method } = intervalOverRuns(figure, {
      domain: 'positive',
      level: 0.95,
      resamples: drawResamples(10, 2_000, seededRandom(1)),
    });
    expect(method).toBe('jackknife-t over runs (log; bootstrap-t over twice as wide)');
    expect(interval).toEqual(intervalOverRuns(figure, jackknife('positive')).interval);
  });

  it('refuses resamples of another number of runs', () => {
    expect(() =>
      intervalOverRuns(pooledQuantile(latencies(1), 0.5), {
        domain: 'positive',
        level: 0.95,
        resamples: drawResamples(10, 10, seededRandom(1)),
      }),
    ).toThrow(RangeError);
  });
});
