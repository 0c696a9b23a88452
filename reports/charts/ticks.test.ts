import fc from 'fast-check';
import { expect, it } from 'vitest';
import { linearTicks, logTicks } from './ticks.js';

it('encloses the values and labels decades of a wide logarithmic axis, 1-2-5 of a narrow one', () => {
  expect(logTicks([380, 41_000, 0])).toEqual({ min: 200, max: 50_000, ticks: [1000, 10_000] });
  expect(logTicks([380, 4999])).toEqual({ min: 200, max: 5000, ticks: [200, 500, 1000, 2000, 5000] });
  expect(logTicks([1000])).toEqual({ min: 1000, max: 2000, ticks: [1000, 2000] });
  expect(logTicks([0])).toBeNull();
});

it('starts a linear axis at zero', () => {
  expect(linearTicks([3, 61_200])).toEqual({ min: 0, max: 80_000, ticks: [0, 20_000, 40_000, 60_000, 80_000] });
  expect(linearTicks([1], 1)).toEqual({ min: 0, max: 1, ticks: [0, 1] });
  expect(linearTicks([])).toEqual({ min: 0, max: 1, ticks: [0, 1] });
});

it('always encloses', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 1e-5, max: 1e18, noNaN: true }), { minLength: 1 }), (values) => {
      const log = logTicks(values)!;
      const linear = linearTicks(values);
      for (const value of values) {
        expect(log.min <= value && value <= log.max).toBe(true);
        expect(value <= linear.max).toBe(true);
      }
      expect(linear.ticks.length).toBeLessThanOrEqual(6);
      expect(log.ticks.length).toBeGreaterThan(0);
    }),
  );
});
