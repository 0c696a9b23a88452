import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Unit } from './summary.js';
import {
  formatCount,
  formatNumber,
  formatRatio,
  formatSetting,
  formatValue,
  scaleOf,
  sharedScale,
  withSuffix,
} from './units.js';

describe('formatValue', () => {
  it.each<[number, Unit, string]>([
    [0, 'us', '0 \u00B5s'],
    [412, 'us', '412 \u00B5s'],
    [412.4, 'us', '412 \u00B5s'],
    [999.4, 'us', '999 \u00B5s'],
    [999.6, 'us', '1.00 ms'],
    [1000, 'us', '1.00 ms'],
    [41_234, 'us', '41.2 ms'],
    [999_499, 'us', '999 ms'],
    [999_500, 'us', '1.00 s'],
    [5_000_000, 'us', '5.00 s'],
    [119_000_000, 'us', '119 s'],
    [119_600_000, 'us', '120 s'],
    [120_000_000, 'us', '2.00 min'],
    [204_000_000, 'us', '3.40 min'],
    [7_200_000_000, 'us', '2.00 h'],
    [-1500, 'us', '\u22121.50 ms'],
    [0.0004, 'us', '< 0.001 \u00B5s'],
    [-0.0004, 'us', '> \u22120.001 \u00B5s'],
    [28 * 60e6, 'us_per_tb', '28.0 min/TB'],
    [299.7, 'per_s', '300 /s'],
    [19_998.4, 'changes_per_s', '19,998 changes/s'],
    [12_400_000, 'rows', '12,400,000 rows'],
    [0, 'changes', '0 changes'],
    [1, 'changes', '1 change'],
    [3.4, 'changes', '3.40 changes'],
    [1, 'share', '100 %'],
    [0, 'share', '0 %'],
    [0.987, 'share', '98.7 %'],
    [0.9996, 'share', '99.96 %'],
    [0.99996, 'share', '99.996 %'],
    [0.9999999, 'share', '> 99.999 %'],
    [0.0004, 'share', '0.04 %'],
    [0.0000001, 'share', '< 0.001 %'],
    [1.3, 'share', '130.0 %'],
    [999, 'bytes', '999 B'],
    [999.9, 'bytes', '1.00 kB'],
    [1_500_000, 'bytes', '1.50 MB'],
    [2_000_000_000, 'bytes', '2.00 GB'],
    [1.234, 'cores', '1.23 cores'],
    [210, 'files_per_million_rows', '210 files/1M rows'],
    [7, 'count', '7'],
    [0.000_056_2, 'usd', '56.2 µUSD'],
    [0.000_999_9, 'usd', '1.00 mUSD'],
    [0.0123, 'usd', '12.3 mUSD'],
    [1234, 'usd', '1,234 USD'],
    [1e-12, 'usd', '< 0.001 µUSD'],
  ])('%d %s is %s', (value, unit, text) => {
    expect(formatValue(value, unit)).toBe(text);
  });

  it('never prints zero for what is not zero, nor 100 % for what is not 1', () => {
    const units: Unit[] = ['us', 'share', 'bytes', 'count', 'cores', 'changes_per_s'];
    fc.assert(
      fc.property(fc.constantFrom(...units), fc.double({ min: 1e-12, max: 1e15, noNaN: true }), (unit, value) => {
        const number = formatNumber(value, scaleOf(value, unit));
        expect(Number(number.replaceAll(',', ''))).not.toBe(0);
        if (unit === 'share' && value !== 1) expect(number).not.toMatch(/^100(\.0+)?$/);
      }),
    );
  });

  it('is within half a unit of the third digit of the value', () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 1e13, noNaN: true }), (value) => {
        const scale = scaleOf(value, 'us');
        const printed = Number(formatNumber(value, scale).replaceAll(',', '')) * scale.divisor;
        expect(Math.abs(printed - value) / value).toBeLessThanOrEqual(0.00501);
      }),
    );
  });
});

describe('sharedScale', () => {
  const print = (values: number[]) => {
    const scale = sharedScale(values, 'us');
    return values.map((value) => withSuffix(formatNumber(value, scale(value)), scale(value)));
  };
  it('gives figures side by side the unit of the smallest', () => {
    expect(print([800_000, 5_234_000])).toEqual(['800 ms', '5,234 ms']);
  });
  it('lets figures far apart have their own', () => {
    expect(print([412, 5_234_000])).toEqual(['412 \u00B5s', '5.23 s']);
  });
  it('does not take a zero for the smallest', () => {
    expect(print([0, 5_234_000])).toEqual(['0 s', '5.23 s']);
  });
});

it('prints ratios with three digits', () => {
  expect(formatRatio(2.1449)).toBe('2.14');
  expect(formatRatio(0.05)).toBe('0.0500');
});

it('prints settings without trailing zeros, and counts in full', () => {
  expect(formatSetting(5_000_000, 'us')).toBe('5 s');
  expect(formatSetting(1_500_000, 'us')).toBe('1.5 s');
  expect(formatSetting(200_000, 'us')).toBe('200 ms');
  expect(formatSetting(600_000_000, 'us')).toBe('10 min');
  expect(formatCount(1_000_000)).toBe('1,000,000');
  expect(formatCount(5)).toBe('5');
});
