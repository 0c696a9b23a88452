import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSeqIndex } from './seq-index.js';

describe('the index of seqs', () => {
  it('knows what it has seen and where the first gap is, in whatever order seqs come', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 30 })), { maxLength: 200 }), (arrivals) => {
        const index = createSeqIndex(4);
        const seen = [0, 1, 2, 3].map(() => new Set<number>());
        for (const [customer, seq] of arrivals) {
          const known = seen[customer] as Set<number>;
          expect(index.add(customer, seq)).toBe(!known.has(seq));
          known.add(seq);
          let prefix = 0;
          while (known.has(prefix + 1)) prefix++;
          expect(index.prefix(customer)).toBe(prefix);
        }
        seen.forEach((known, customer) => {
          for (let seq = 1; seq <= 31; seq++) expect(index.has(customer, seq)).toBe(known.has(seq));
        });
      }),
    );
  });
});
