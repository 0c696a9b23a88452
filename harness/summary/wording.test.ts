import { describe, expect, it } from 'vitest';
import { counted, digits, inWords, joinedOnce, listed } from './wording.js';

describe('figures in words', () => {
  it.each([
    [0, 'us', '0 µs'],
    [999, 'us', '999 µs'],
    [12_345, 'us', '12.3 ms'],
    [2_001_000, 'us', '2 s'],
    [119_000_000, 'us', '119 s'],
    [150_000_000, 'us', '2.5 min'],
    [1_680e6, 'us_per_tb', '28 min/TB'],
    [0.98765, 'share', '98.8 %'],
    [0.99958, 'share', 'more than 99.9 %'],
    [1, 'share', '100 %'],
    [182_000.4, 'changes_per_s', '182,000 changes/s'],
    [-12.34, 'changes_per_s', '-12.3 changes/s'],
    [300_000_000, 'bytes', '300 MB'],
    [1.5, 'cores', '1.5 cores'],
    [7, 'count', '7'],
    [0.000_056_2, 'usd', '56.2 µUSD'],
    [0.85, 'usd', '850 mUSD'],
    [12, 'usd', '12 USD'],
  ] as const)('%f %s is %s', (value, unit, words) => expect(inWords(value, unit)).toBe(words));

  it('keep three digits, and whole numbers whole', () => {
    expect([0.012345, 99.96, 100.4, 1234567].map(digits)).toEqual(['0.0123', '100', '100', '1,234,567']);
  });

  it('are listed and counted', () => {
    expect(['', 'a', 'a and b', 'a, b and c']).toEqual([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map(listed));
    expect([1, 2, 1000].map((count) => counted(count, 'run'))).toEqual(['1 run', '2 runs', '1,000 runs']);
  });
});

it('says each clause of several notes once', () => {
  expect(joinedOnce(['zero for a reason', 'zero for a reason; late', 'late'])).toBe('zero for a reason; late');
});
