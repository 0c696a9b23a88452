import { describe, expect, it } from 'vitest';
import type { RowMistake } from '../record/facts.js';
import { blameMistakes, type Fits } from './blame.js';

const strong = (mistakes: RowMistake[], otherwise: RowMistake = 'under'): Fits => ({
  mistakes: new Set(mistakes),
  isWeak: false,
  otherwise,
});
const weak = (mistakes: RowMistake[], otherwise: RowMistake = 'under'): Fits => ({
  ...strong(mistakes, otherwise),
  isWeak: true,
});
const times = (count: number, row: Fits): Fits[] => Array.from({ length: count }, () => row);
const counted = (rows: readonly Fits[]) => {
  const counts: Partial<Record<RowMistake, number>> = {};
  for (const mistake of blameMistakes(rows)) counts[mistake] = (counts[mistake] ?? 0) + 1;
  return counts;
};

describe('blame', () => {
  it('falls on the side to which a row is off where nothing more precise fits', () => {
    expect(blameMistakes([])).toEqual([]);
    expect(blameMistakes([strong([], 'over'), strong([], 'wrong'), weak(['ahead'])])).toEqual([
      'over',
      'wrong',
      'under',
    ]);
  });

  it('falls on the mistake that explains most rows, then on what explains those that are left', () => {
    const rows = [
      ...times(5, strong(['ahead', 'deleteIgnored'])),
      ...times(3, strong(['ahead'])),
      strong(['unclaimed']),
    ];
    expect(counted(rows)).toEqual({ ahead: 8, unclaimed: 1 });
  });

  it('takes rows of counts alone along with what the others prove, if that is most of it', () => {
    expect(counted([...times(3, strong(['ahead'])), ...times(9, weak(['ahead', 'torn']))])).toEqual({ ahead: 12 });
    expect(counted([strong(['ahead']), ...times(3, strong([])), weak(['ahead'])])).toEqual({ ahead: 1, under: 4 });
  });

  it('believes in dropped windows only if they explain half of the rows', () => {
    expect(counted([...times(2, strong(['windowsDropped'])), ...times(2, strong([]))])).toEqual({
      windowsDropped: 2,
      under: 2,
    });
    expect(counted([strong(['windowsDropped']), ...times(2, strong([]))])).toEqual({ under: 3 });
  });

  it('tells a read that mixes versions from one that claims too much, and from a change that was lost', () => {
    const whole = strong(['ahead', 'torn']);
    expect(counted([...times(4, strong(['torn'])), ...times(6, whole)])).toEqual({ torn: 10 });
    expect(counted(times(6, whole))).toEqual({ ahead: 6 });
    expect(counted(times(2, strong(['torn'])))).toEqual({ under: 2 });
    expect(counted([strong(['torn'], 'wrong')])).toEqual({ torn: 1 });
  });
});
