import { describe, expect, it } from 'vitest';
import { seededRandom } from '../random.js';
import { effectOverGroups, effectOverPairs } from './effect.js';
import { drawResamples } from './resamples.js';

/** Student's own data (1908), R's `sleep`: hours of sleep that two drugs added, ten patients each. */
const first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2];
const second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
const random = seededRandom(1);

describe('the effect over pairs', () => {
  const scores = first.map((value, k) => value - (second[k] as number));

  it('is Student: R, t.test(extra ~ group, sleep, paired = TRUE)', () => {
    const effect = effectOverPairs(scores, { level: 0.95, resamples: null, random });
    expect(effect.estimate).toBeCloseTo(-1.58, 12);
    expect(effect.interval?.lowerBound).toBeCloseTo(-2.4598858, 6);
    expect(effect.interval?.upperBound).toBeCloseTo(-0.7001142, 6);
    // Nine of nine differences that are not 0 have one sign: 2 of 512 patterns are as extreme.
    expect(effect.pValue).toBeCloseTo(2 / 512, 12);
  });

  it('with resamples is a bootstrap-t interval that reaches further on the long side', () => {
    const resamples = drawResamples(10, 10_000, random);
    const effect = effectOverPairs(scores, { level: 0.95, resamples, random });
    expect(effect.method).toBe('bootstrap-t over pairs (linear)');
    const { lowerBound = 0, upperBound = 0 } = effect.interval ?? {};
    expect(-1.58 - lowerBound).toBeGreaterThan(upperBound + 1.58);
    expect(upperBound).toBeLessThan(-0.5);
  });

  it('is a point where nothing varies, and has no interval for one pair', () => {
    expect(effectOverPairs([0.5, 0.5, 0.5], { level: 0.95, resamples: null, random })).toMatchObject({
      interval: { lowerBound: 0.5, upperBound: 0.5 },
      pValue: 0.25,
      method: 'the same in every pair',
    });
    expect(effectOverPairs([0, 0], { level: 0.95, resamples: null, random }).pValue).toBe(1);
    expect(effectOverPairs([3], { level: 0.95, resamples: null, random })).toMatchObject({
      interval: null,
      pValue: null,
    });
  });
});

describe('the effect over groups without common seeds', () => {
  it('is Welch: R, t.test(extra ~ group, sleep), degrees of freedom rounded down', () => {
    const effect = effectOverGroups(first, second, { level: 0.95 });
    expect(effect.estimate).toBeCloseTo(-1.58, 12);
    expect(effect.degrees).toBeCloseTo(17.776, 3);
    // R, at 17.776 degrees: [-3.3654832, 0.2054832], p = 0.07939. At 17: t 2.10982 times the error 0.849091.
    expect(effect.interval?.lowerBound).toBeCloseTo(-1.58 - 2.10982 * 0.849091, 4);
    expect(effect.interval?.upperBound).toBeCloseTo(-1.58 + 2.10982 * 0.849091, 4);
    expect(effect.pValue).toBeGreaterThan(0.07939);
    expect(effect.pValue).toBeLessThan(0.0815);
  });

  it('claims nothing where nothing varies', () => {
    expect(effectOverGroups([2, 2], [1, 1], { level: 0.95 })).toMatchObject({ estimate: 1, pValue: null });
    expect(effectOverGroups([1, 1], [1, 1], { level: 0.95 })).toMatchObject({ estimate: 0, pValue: 1 });
    expect(effectOverGroups([1], [1, 1], { level: 0.95 })).toMatchObject({ interval: null, pValue: null });
  });
});
