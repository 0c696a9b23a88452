import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lowerBound, mergeSorted } from './sorted-rows.js';

const compare = (a: number, b: number) => a - b;
const sortedRows = fc
  .array(fc.nat(60), { maxLength: 80 })
  .map((rows) => Uint32Array.from(rows).sort((a, b) => compare(a, b)));

test('the lower bound is where a search from the front finds it', () => {
  fc.assert(
    fc.property(sortedRows, fc.nat(61), fc.nat(80), (rows, row, draw) => {
      const from = Math.min(draw, rows.length);
      const found = rows.findIndex((other, i) => i >= from && other >= row);
      expect(lowerBound(rows, row, compare, from)).toBe(found < 0 ? rows.length : found);
    }),
  );
});

test('merging equals sorting all of both', () => {
  fc.assert(
    fc.property(sortedRows, sortedRows, (a, b) => {
      expect(Array.from(mergeSorted(a, b, compare))).toEqual([...a, ...b].sort(compare));
    }),
  );
});
