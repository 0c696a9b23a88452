import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createByteSearch } from './byte-search.js';

describe('the byte search', () => {
  it('finds exactly the needles that occur', () => {
    // Few letters, so that needles overlap, begin alike and nearly occur.
    const text = (minLength: number, maxLength: number) =>
      fc.array(fc.constantFrom(97, 98, 99), { minLength, maxLength }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.array(text(4, 9), { minLength: 1, maxLength: 6 }), text(0, 200), (needles, bytes) => {
        const found = new Set<number>();
        createByteSearch(needles).find(bytes, found);
        const expected = needles.flatMap((needle, index) => (bytes.includes(needle) ? [index] : []));
        expect([...found].sort()).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('refuses needles that are too short to mean anything', () => {
    expect(() => createByteSearch([Buffer.from('abc')])).toThrow(/the shortest of 3 bytes/);
    expect(() => createByteSearch([])).toThrow(/0 needles/);
  });
});
