import { describe, expect, it } from 'vitest';
import { collectSpread } from './spread.js';

describe('a spread', () => {
  const spreadOf = (count: number) => {
    const spread = collectSpread();
    for (let value = count; value > 0; value--) spread.add(value);
    return spread.chosen();
  };

  it('keeps all of a thousand, ascending', () => {
    expect(spreadOf(1_000)).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 1));
    expect(spreadOf(0)).toEqual([]);
  });

  it('keeps no more, at even distances over all that came', () => {
    for (const count of [1_001, 2_000, 5_000, 123_457]) {
      const chosen = spreadOf(count);
      const gaps = new Set(chosen.slice(1).map((value, i) => value - (chosen[i] as number)));
      expect(gaps.size, `${count}`).toBe(1);
      const [gap = 0] = gaps;
      expect(chosen.length).toBeLessThanOrEqual(1_000);
      expect(chosen.length).toBeGreaterThanOrEqual(500);
      expect(chosen[chosen.length - 1]).toBe(count);
      expect(chosen[0]).toBeLessThanOrEqual(gap);
    }
  });
});
