import { describe, expect, it } from 'vitest';
import type { Baseline, RunValue } from '../../reports/baseline.js';
import { renderComparison, renderComparisonMarkdown } from '../../reports/suite-comparison.js';
import { chanceOf } from '../summary/estimates.js';
import { compareSuites } from './compare.js';
import { plantValues } from './fixture-values.js';

const chance = chanceOf(1);
const compare = (a: Baseline, b: Baseline) => compareSuites({ name: 'A', values: a }, { name: 'B', values: b }, chance);

const wiggle = (runs: number, level: number, shift = 0) =>
  Array.from({ length: runs }, (_, k) => level * (1 + 0.01 * Math.sin(7 * (k + shift))));
/** One declared figure, one that is exploratory, one that is a count. */
const suite = (p95: readonly RunValue[], p50: readonly RunValue[] = wiggle(p95.length, 10), lost = p95.map(() => 0)) =>
  plantValues({ a: { 'freshness.visibility.p95': p95, 'freshness.visibility.p50': p50, 'ledger.lost.total': lost } });

describe('B against A', () => {
  const before = suite(wiggle(10, 1000));

  it.each<[string, Baseline, string, string]>([
    ['half as slow again is worse', suite(wiggle(10, 1500, 3)), 'worse', 'worse'],
    ['twice as fast is better', suite(wiggle(10, 500, 3)), 'no worse', 'better'],
    ['the same but for noise is the same', suite(wiggle(10, 1000, 3)), 'no worse', 'same'],
    [
      '6 % slower, about the margin, is worse only if it is surely',
      suite(wiggle(10, 1048, 3)),
      'inconclusive',
      'inconclusive',
    ],
    ['nine pairs decide nothing', suite(wiggle(9, 5000)), 'inconclusive', 'inconclusive'],
    ['a hole is no equality', suite([...wiggle(9, 1000), null]), 'inconclusive', 'inconclusive'],
  ])('%s', (_, after, outcome, figure) => {
    const comparison = compare(before, after);
    expect(comparison.outcome).toBe(outcome);
    expect(comparison.figures.find(({ declared }) => declared)?.outcome).toBe(figure);
  });

  it('of what is exploratory nothing is decided for the whole', () => {
    const comparison = compare(before, suite(wiggle(10, 1000, 3), wiggle(10, 20)));
    expect(comparison.outcome).toBe('no worse');
    expect(comparison.figures.find(({ statistic }) => statistic === 'p50')).toMatchObject({
      outcome: 'worse',
      declared: false,
      effect: 'ratio',
      estimate: 2,
    });
  });

  it('a defect of which B has more keeps it open, whether A had any or not', () => {
    const lossy = suite(wiggle(10, 1000, 3), undefined, [0, 0, 0, 4, 0, 0, 0, 0, 0, 0]);
    const comparison = compare(before, lossy);
    expect(comparison.outcome).toBe('inconclusive');
    expect(comparison.sentences.join(' ')).toMatch(/a has more ledger\.lost in B than in A \(.*: 0\.4 .*after 0 /);
    const worse = suite(wiggle(10, 1000, 3), undefined, new Array(10).fill(5_000));
    expect(compare(lossy, worse).outcome).toBe('inconclusive');
    expect(compare(worse, lossy).outcome).toBe('no worse');
  });

  it('what a plane may do until it has corrected itself is no defect that grew', () => {
    const settling = (torn: number) =>
      plantValues({
        a: {
          'freshness.visibility.p95': wiggle(10, 1000),
          'ledger.torn.total': new Array(10).fill(torn),
          'ledger.settled_wrong_rows.total': new Array(10).fill(0),
        },
      });
    expect(compare(settling(1), settling(7)).outcome).toBe('no worse');
  });

  it('a plane that only one of them has keeps it open, whichever that is', () => {
    const figures = { 'freshness.visibility.p95': wiggle(10, 1000) };
    const [one, two] = [plantValues({ a: figures }), plantValues({ a: figures, b: figures })];
    expect(compare(one, one).outcome).toBe('no worse');
    expect(compare(two, one)).toMatchObject({ outcome: 'inconclusive' });
    expect(compare(one, two).sentences.at(-1)).toBe('Only B has b under planted: nothing is said of that.');
  });

  it('turned round is the reverse', () => {
    const after = suite(wiggle(10, 1500, 3));
    const [there] = compare(before, after).figures;
    const [back] = compare(after, before).figures;
    expect([there?.outcome, back?.outcome]).toEqual(['worse', 'better']);
    expect((there?.estimate as number) * (back?.estimate as number)).toBeCloseTo(1, 4);
  });

  it('of two that have nothing in common is refused', () => {
    const other = plantValues({ b: { 'inference.p99': wiggle(10, 1) } });
    expect(() => compare(before, other)).toThrow(/no figure of the same plane under the same scenario/);
  });

  it('is printed in columns, or stacked where they do not fit', () => {
    const comparison = compare(before, suite(wiggle(10, 1500, 3)));
    const wide = renderComparison(comparison, { width: 140, color: false });
    expect(wide).toMatch(/WORSE\n/);
    expect(wide).toMatch(
      /worse +planted a freshness\.visibility\.p95 +1\.00 ms +1\.50 ms +x1\.50 \[1\.4\d, 1\.5\d\] +10\n/,
    );
    expect(wide).toMatch(/2 more, exploratory/);
    const narrow = renderComparison(comparison, { width: 40, color: false });
    expect(Math.max(...narrow.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(40);
    expect(renderComparisonMarkdown(comparison)).toMatch(
      /^# B is worse\n[\s\S]*\| \*\*worse\*\* \| planted \| a \| freshness\.visibility\.p95 \|/,
    );
  });
});
