/** Small statistics against published tables and examples. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../random.js';
import {
  binomialCumulative,
  clusteredProportionInterval,
  proportionInterval,
  quantileInterval,
  sampleFloor,
} from './binomial.js';
import { comparePaired, signFlipTest } from './comparison.js';
import { holmAdjusted } from './holm.js';
import { pooledQuantile, pooledRatio } from './pooled-figure.js';
import { sortSamples } from './samples.js';
import { studentCentralProbability, studentCritical } from './student-t.js';
import { theilSenSlope, theilSenTrend } from './trend.js';

describe('student t', () => {
  it.each([
    [1, 12.7062],
    [2, 4.30265],
    [4, 2.77645],
    [5, 2.57058],
    [9, 2.26216],
    [10, 2.22814],
    [30, 2.04227],
    [120, 1.97993],
  ])('with %i degrees of freedom exceeds %f in 5 of 100', (degrees, critical) => {
    expect(studentCritical(0.95, degrees)).toBeCloseTo(critical, 4);
  });
  it('has its probabilities inverted by its critical values', () => {
    for (const degrees of [1, 2, 3, 8, 19]) {
      expect(studentCentralProbability(studentCritical(0.99, degrees), degrees)).toBeCloseTo(0.99, 10);
    }
    expect(() => studentCritical(0.95, 0)).toThrow(RangeError);
  });
});

describe('the sample floor', () => {
  it.each([
    [0.5, 6],
    [0.95, 72],
    [0.99, 368],
    [0.999, 3688],
    [0.05, 72],
  ])('of quantile %f is %i', (p, floor) => {
    expect(sampleFloor(p)).toBe(floor);
  });
});

describe('order statistics', () => {
  const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
  // Ranks of the 95 % interval of a median, as tables of order statistics give them (Conover 1999, table A3).
  it.each([
    [6, 1, 6],
    [10, 2, 9],
    [12, 3, 10],
    [20, 6, 15],
  ])('of %i hold the median between the %ith and the %ith', (count, low, high) => {
    expect(quantileInterval(upTo(count), 0.5)).toEqual({ lowerBound: low, upperBound: high });
  });
  it('hold no tail of few, nor the median of five', () => {
    expect(quantileInterval(upTo(5), 0.5)).toBeNull();
    expect(quantileInterval(upTo(71), 0.95)).toBeNull();
    expect(quantileInterval(upTo(72), 0.95)?.upperBound).toBe(72);
  });
});

describe('binomial', () => {
  it('adds up', () => {
    expect(binomialCumulative(2, 5, 0.5)).toBeCloseTo(0.5, 12);
    expect(binomialCumulative(0, 368, 0.01)).toBeCloseTo(0.99 ** 368, 10);
    expect(binomialCumulative(-1, 5, 0.5)).toBe(0);
    expect(binomialCumulative(5, 5, 0.5)).toBe(1);
  });
  it.each([
    [5, 5, 0.4782, 1],
    [0, 10, 0, 0.3085],
    [4, 20, 0.0573, 0.4366],
  ])('%i of %i lies within [%f, %f] (Clopper and Pearson)', (successes, trials, low, high) => {
    const interval = proportionInterval(successes, trials);
    expect(interval.lowerBound).toBeCloseTo(low, 4);
    expect(interval.upperBound).toBeCloseTo(high, 4);
  });
});

describe('a probability from runs with several trials each', () => {
  const of = (...runs: readonly (readonly [successes: number, trials: number])[]) =>
    clusteredProportionInterval(runs.map(([successes, trials]) => ({ successes, trials })));

  it('is that of independent trials where each run has one', () => {
    expect(of([1, 1], [0, 1], [1, 1], [1, 1], [1, 1])).toEqual({ effective: 5, ...proportionInterval(4, 5) });
  });
  it('counts a run for one where all trials ended alike, however many there were', () => {
    expect(of([5, 5], [5, 5], [5, 5])).toEqual({ effective: 3, ...proportionInterval(3, 3) });
    expect(of([0, 5])).toEqual({ effective: 1, ...proportionInterval(0, 1) });
    expect(of([2, 5])).toMatchObject({ effective: 1, lowerBound: 0, upperBound: 1 });
  });
  it('counts a run for one where the trials of a run end alike', () => {
    expect(of([5, 5], [0, 5], [5, 5], [0, 5], [0, 5], [5, 5]).effective).toBe(6);
  });
  it('counts the trials that carry the spread: by hand', () => {
    // p = 1/2 of 80; residuals 1, -1, ... of 20 runs of 4: v = 20/19 x 20 / 6400 = 0.0032895; p (1 - p) / v = 76.
    // t of 79 and of 19 degrees: (1.990450 / 2.093024)^2 = 0.904387; 68.7 of 80.
    const runs = Array.from({ length: 20 }, (_, i) => [i % 2 === 0 ? 3 : 1, 4] as const);
    expect(of(...runs)).toEqual({ effective: 68, ...proportionInterval(34, 68) });
  });
  it('is never narrower than that of independent trials, nor wider than that of the runs', () => {
    const run = fc
      .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 6 }))
      .map(([trials, successes]) => [Math.min(trials, successes), trials] as const);
    fc.assert(
      fc.property(fc.array(run, { minLength: 1, maxLength: 8 }), (runs) => {
        const trials = runs.reduce((sum, [, made]) => sum + made, 0);
        const successes = runs.reduce((sum, [had]) => sum + had, 0);
        const { effective, lowerBound, upperBound } = of(...runs);
        expect(effective).toBeGreaterThanOrEqual(runs.length);
        expect(effective).toBeLessThanOrEqual(trials);
        expect(lowerBound).toBeLessThanOrEqual(successes / trials);
        expect(upperBound).toBeGreaterThanOrEqual(successes / trials);
        const independent = proportionInterval(successes, trials);
        expect(upperBound - lowerBound).toBeGreaterThanOrEqual(independent.upperBound - independent.lowerBound - 1e-9);
      }),
      { seed: 7, numRuns: 200 },
    );
  });
});

describe("Holm's correction", () => {
  it('steps down', () => {
    expect(holmAdjusted([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
    expect(holmAdjusted([])).toEqual([]);
  });
  it('never lowers a p-value, keeps their order, and leaves a lone one alone', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 20 }), (thousandths) => {
        const p = thousandths.map((value) => value / 1000);
        const adjusted = holmAdjusted(p);
        for (const [i, value] of p.entries()) {
          expect(adjusted[i]).toBeGreaterThanOrEqual(value);
          for (const [j, other] of p.entries()) {
            if (value < other) expect(adjusted[i]).toBeLessThanOrEqual(adjusted[j] as number);
          }
        }
      }),
    );
    expect(holmAdjusted([0.04])).toEqual([0.04]);
  });
});

describe('the Theil-Sen slope', () => {
  it('ignores an outlier that would turn a regression', () => {
    expect(theilSenSlope([0, 1, 2, 3, 4, 5, 6], [1, 3, 5, 7, 9, 11, -900])).toBe(2);
  });
  it('is NaN where there is no pair', () => {
    expect(theilSenSlope([1], [1])).toBeNaN();
    expect(theilSenSlope([1, 1], [1, 2])).toBeNaN();
  });
  it('is equivariant', () => {
    const point = fc.tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: -100, max: 100 }));
    fc.assert(
      fc.property(fc.array(point, { minLength: 2, maxLength: 12 }), (points) => {
        const x = points.map(([value]) => value);
        const y = points.map(([, value]) => value);
        const slope = theilSenSlope(x, y);
        if (Number.isNaN(slope)) return;
        const turned = theilSenSlope(
          x,
          y.map((value, i) => 3 * value + 5 * (x[i] as number) + 7),
        );
        expect(turned).toBeCloseTo(3 * slope + 5, 9);
      }),
    );
  });
});

describe("Sen's interval", () => {
  const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);
  it('is the slopes of rank 12 and 34 of 45 for ten points without ties', () => {
    // Kendall's variance 10 x 9 x 25 / 18 = 125, z x sqrt(125) = 21.91, (45 - 21.91) / 2 = 11.5: the 11th from each end.
    const y = [3, 1, 4, 15, 9, 26, 5, 35, 8, 97];
    const slopes = upTo(10).flatMap((i) => upTo(i).map((j) => ((y[i] as number) - (y[j] as number)) / (i - j)));
    slopes.sort((a, b) => a - b);
    expect(theilSenTrend(upTo(10), y, 0.95)).toEqual({
      slope: slopes[22],
      interval: { lowerBound: slopes[10], upperBound: slopes[34] },
    });
  });
  it('has no width where nothing varies, and is none below ten points', () => {
    const flat = { slope: 0, interval: { lowerBound: 0, upperBound: 0 } };
    expect(theilSenTrend(upTo(10), upTo(10).fill(7), 0.95)).toEqual(flat);
    expect(theilSenTrend(upTo(9), upTo(9), 0.95)).toBeNull();
  });
  it('holds the slope of a noisy line in about 95 of 100 series', () => {
    const random = seededRandom(11);
    let held = 0;
    for (let series = 0; series < 400; series++) {
      const y = upTo(40).map((x) => 0.3 * x + (random.below(2001) - 1000) / 100);
      const { lowerBound, upperBound } = theilSenTrend(upTo(40), y, 0.95)!.interval;
      if (lowerBound <= 0.3 && 0.3 <= upperBound) held++;
    }
    expect(held / 400).toBeGreaterThan(0.92);
    expect(held / 400).toBeLessThan(0.98);
  });
});

describe('the sign-flip test', () => {
  /** Darwin's cross- and self-fertilised maize, eighths of an inch; Fisher 1935, section 21: 1,726 of 32,768 patterns. */
  const darwin = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48];
  it("gives Fisher's count on Darwin's maize", () => {
    expect(signFlipTest(darwin, seededRandom(1))).toBe(1726 / 32768);
  });
  it('can at best reach 2 in 2^n, and 5 pairs never reach 0.05', () => {
    expect(signFlipTest([1, 2, 3, 4, 5], seededRandom(1))).toBe(2 / 32);
    expect(signFlipTest([3, 3, 3, 3, 3, 3, 3, 3, 3, 3], seededRandom(1))).toBe(2 / 1024);
  });
  it('draws patterns beyond 16 pairs, near the exact answer and never 0', () => {
    const p = signFlipTest([...darwin, 0, 0, 0], seededRandom(1));
    // Zeros double every pattern: the exact p stays. Binomial deviation of 10,000 draws: 0.0022.
    expect(Math.abs(p - 1726 / 32768)).toBeLessThan(0.01);
    expect(signFlipTest(new Array(40).fill(1), seededRandom(1))).toBe(1 / 10_001);
  });
});

describe('a paired comparison', () => {
  const options = { level: 0.95, random: seededRandom(1) };
  const seeds = [1, 2.1, 0.7, 5, 3, 1.3, 8, 0.9, 2, 4];
  const figure = (values: readonly number[]) => pooledRatio(values.map((numerator) => ({ numerator, denominator: 1 })));

  it('sees through what the seed did to both', () => {
    const noise = [1.01, 0.99, 1, 1.02, 0.98, 1.01, 0.99, 1, 1.02, 0.98];
    const result = comparePaired(figure(seeds.map((value, i) => value * 2 * (noise[i] as number))), figure(seeds), {
      ...options,
      effect: 'ratio',
    });
    expect(result.estimate).toBeCloseTo(2, 1);
    expect(result.interval?.lowerBound).toBeGreaterThan(1.9);
    expect(result.interval?.upperBound).toBeLessThan(2.1);
    expect(result.pValue).toBe(2 / 1024);
    expect(result.pairs).toBe(10);
  });

  it('inverts when the planes change places', () => {
    const runs = fc.array(fc.tuple(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 99 })), {
      minLength: 2,
      maxLength: 9,
    });
    fc.assert(
      fc.property(runs, (pairs) => {
        const a = figure(pairs.map(([value]) => value));
        const b = figure(pairs.map(([, value]) => value));
        const one = comparePaired(a, b, { ...options, effect: 'ratio' });
        const other = comparePaired(b, a, { ...options, effect: 'ratio' });
        expect((one.estimate as number) * (other.estimate as number)).toBeCloseTo(1, 9);
        expect(one.pValue).toBe(other.pValue);
        if (one.interval && other.interval) {
          expect(one.interval.lowerBound * other.interval.upperBound).toBeCloseTo(1, 6);
        }
      }),
    );
  });

  it('has no ratio where a figure is zero or censored, and takes the difference where asked', () => {
    const zero = comparePaired(figure([1, 2]), figure([0, 0]), { ...options, effect: 'ratio' });
    expect(zero.estimate).toBeNull();
    expect(zero.pValue).toBeNull();
    const never = pooledQuantile([sortSamples([], [5]), sortSamples([], [5])], 0.5);
    expect(comparePaired(figure([1, 2]), never, { ...options, effect: 'ratio' }).estimate).toBeNull();
    const shares = comparePaired(figure([1, 0.9]), figure([0, 0]), { ...options, effect: 'difference' });
    expect(shares.estimate).toBe(0.95);
  });
});
