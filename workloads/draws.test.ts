import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../harness/random.js';
import { arrivalOffsets, exponential } from './arrivals.js';
import { keySampler } from './keys.js';
import { drawPanel } from './panel.js';
import type { Arrivals } from './workload.js';
import { zipfSampler, zipfWeights } from './zipf.js';

function take(count: number, offsets: Generator<number, never>): number[] {
  return Array.from({ length: count }, () => offsets.next().value);
}

const arrivals: fc.Arbitrary<Arrivals> = fc.oneof(
  fc.constant<Arrivals>({ kind: 'constant' }),
  fc.constant<Arrivals>({ kind: 'poisson' }),
  fc
    .record({ everyUs: fc.integer({ min: 10_000, max: 2_000_000 }), times: fc.integer({ min: 1, max: 8 }) })
    .map(({ everyUs, times }): Arrivals => ({ kind: 'bursts', everyUs, forUs: Math.floor(everyUs / 10), times })),
);

describe('arrivals', () => {
  test('are integer microseconds, never go back, and repeat with the seed', () => {
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 1, max: 50_000 }), fc.integer(), (kind, perSecond, seed) => {
        const offsets = take(300, arrivalOffsets(perSecond, kind, seededRandom(seed)));
        expect(take(300, arrivalOffsets(perSecond, kind, seededRandom(seed)))).toEqual(offsets);
        expect(offsets.filter((at, i) => !Number.isSafeInteger(at) || at < (offsets[i - 1] ?? 0))).toEqual([]);
      }),
      { seed: 1, numRuns: 60 },
    );
  });

  test('keep the mean rate', () => {
    const kinds: Arrivals[] = [
      { kind: 'constant' },
      { kind: 'poisson' },
      { kind: 'bursts', everyUs: 500_000, forUs: 50_000, times: 6 },
    ];
    for (const kind of kinds) {
      const count = 40_000;
      const last = take(count, arrivalOffsets(2_000, kind, seededRandom(3))).at(-1)!;
      // Four standard errors of a Poisson count.
      expect(Math.abs(last / 1e6 - count / 2_000)).toBeLessThan((4 * Math.sqrt(count)) / 2_000);
    }
  });

  test('are constant to the microsecond', () => {
    expect(take(5, arrivalOffsets(300, { kind: 'constant' }, seededRandom(1)))).toEqual([0, 3333, 6666, 10000, 13333]);
  });

  test('crowd in the bursts by the factor asked for', () => {
    const offsets = take(
      50_000,
      arrivalOffsets(1_000, { kind: 'bursts', everyUs: 1_000_000, forUs: 100_000, times: 5 }, seededRandom(9)),
    );
    const inBurst = offsets.filter((offset) => offset % 1_000_000 < 100_000).length / offsets.length;
    expect(inBurst).toBeGreaterThan(0.48);
    expect(inBurst).toBeLessThan(0.52);
  });

  test('refuse rates and bursts that cannot be kept', () => {
    const bursts: Arrivals = { kind: 'bursts', everyUs: 100, forUs: 50, times: 3 };
    expect(() => arrivalOffsets(10, bursts, seededRandom(1)).next()).toThrow(/exceeds the mean rate/);
    expect(() => arrivalOffsets(0, { kind: 'constant' }, seededRandom(1)).next()).toThrow(/positive rate/);
  });
});

test('exponential draws have the distribution 1 - e^-x', () => {
  const random = seededRandom(5);
  const draws = Array.from({ length: 50_000 }, () => exponential(random)).sort((a, b) => a - b);
  expect(draws[0]).toBeGreaterThanOrEqual(0);
  // Kolmogorov-Smirnov, critical value of the 0.001 level.
  let distance = 0;
  for (const [i, x] of draws.entries())
    distance = Math.max(distance, Math.abs((i + 0.5) / draws.length - (1 - Math.exp(-x))));
  expect(distance).toBeLessThan(1.95 / Math.sqrt(draws.length));
});

describe("Zipf's law", () => {
  test('weights are r^-s to nine digits, for any exponent', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_500 }), fc.integer({ min: 1, max: 500 }), (milli, rank) => {
        const weights = zipfWeights(rank, milli);
        const expected = 0x1_0000_0000 / rank ** (milli / 1000);
        expect(Math.abs(weights[rank - 1]! - expected)).toBeLessThan(2 + expected * 1e-8);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  test('draws come in proportion to the weights', () => {
    for (const milli of [0, 800, 1_000, 1_300]) {
      const count = 50;
      const draw = zipfSampler(count, milli);
      const random = seededRandom(7);
      const seen = new Float64Array(count);
      const draws = 200_000;
      for (let i = 0; i < draws; i++) seen[draw(random)]!++;
      const weights = zipfWeights(count, milli);
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      let chiSquare = 0;
      for (let i = 0; i < count; i++) {
        const expected = (draws * weights[i]!) / total;
        chiSquare += (seen[i]! - expected) ** 2 / expected;
      }
      // The 0.9999 quantile at 49 degrees of freedom.
      expect(chiSquare).toBeLessThan(94);
    }
  });

  test('keys are the same customers for all who share the seed, others for another seed', () => {
    const hottest = (seed: number) => {
      const draw = keySampler({ seed, customers: 1_000, zipfMilli: 1_000 });
      const random = seededRandom(1);
      const seen = new Uint32Array(1_000);
      for (let i = 0; i < 20_000; i++) seen[draw(random)]!++;
      return seen.indexOf(Math.max(...seen));
    };
    expect(hottest(1)).toBe(hottest(1));
    expect(new Set([1, 2, 3, 4, 5].map(hottest)).size).toBeGreaterThan(3);
  });
});

describe('the panel', () => {
  test('holds distinct customers with changes, as many as there are up to its size', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(5), { minLength: 1, maxLength: 40 }),
        fc.nat(50),
        fc.integer(),
        (counts, size, seed) => {
          const panel = drawPanel(Uint32Array.from(counts), size, seededRandom(seed));
          expect(panel.length).toBe(Math.min(size, counts.filter((count) => count > 0).length));
          expect(new Set(panel).size).toBe(panel.length);
          for (const customer of panel) expect(counts[customer]).toBeGreaterThan(0);
        },
      ),
      { seed: 1, numRuns: 100 },
    );
  });

  test('draws in proportion to the changes', () => {
    const counts = Uint32Array.from([1, 2, 3, 4]);
    const first = new Float64Array(4);
    for (let seed = 0; seed < 10_000; seed++) first[drawPanel(counts, 1, seededRandom(seed))[0]!]!++;
    for (let customer = 0; customer < 4; customer++)
      expect(Math.abs(first[customer]! / 10_000 - counts[customer]! / 10)).toBeLessThan(0.02);
  });
});
