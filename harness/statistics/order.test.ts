import fc from 'fast-check';
import { expect, it } from 'vitest';
import { orderOf } from './order.js';

it('orders by value, and leaves equal values as they stand', () => {
  const value = fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.constant(Number.POSITIVE_INFINITY),
    fc.double({ noNaN: true }),
  );
  fc.assert(
    fc.property(fc.array(value), (values) => {
      const compared = values.map((_, place) => place).sort((a, b) => compare(values[a]!, values[b]!) || a - b);
      expect([...orderOf(Float64Array.from(values))]).toEqual(compared);
    }),
  );
});

function compare(left: number, right: number): number {
  return left === right ? 0 : left < right ? -1 : 1;
}
