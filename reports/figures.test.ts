import { describe, expect, it } from 'vitest';
import { figureTables } from './figures.js';
import { decidedSummary, headlineSummary } from './fixtures/headline.js';
import type { Comparison, Estimate, Summary } from './summary.js';

const rowOf = (summary: Summary, metric: string, statistic: string) =>
  figureTables(summary)[0]!
    .groups.flatMap(({ rows }) => rows)
    .find((row) => row.metric === metric && row.statistic === statistic)!;
const bestOf = (summary: Summary, metric: string, statistic: string) =>
  rowOf(summary, metric, statistic).cells.flatMap((cell) => (cell.kind === 'figure' && cell.best ? [cell.plane] : []));

describe('the comparison table', () => {
  it('says in words what is no figure', () => {
    const kinds = figureTables(headlineSummary())[0]!.groups.flatMap(({ rows }) => rows.flatMap(({ cells }) => cells));
    const said = new Set(kinds.flatMap((cell) => (cell.kind === 'words' ? [cell.words] : [])));
    expect([...said].sort()).toEqual(['censored', 'insufficient', 'invalid', 'not measured', 'not offered']);
  });

  it('gives a row one unit, and the interval the unit of the figure', () => {
    const row = rowOf(headlineSummary(), 'inference', 'p95');
    expect(row.cells.map((cell) => cell.kind === 'figure' && [cell.text, cell.interval])).toEqual([
      ['3.92 ms', '3.57 to 4.39'],
      ['38.6 ms', '35.1 to 43.2'],
      ['8.94 ms', '8.14 to 10.0'],
    ]);
  });

  it('does not take a number from an estimate that is not sound', () => {
    const summary = headlineSummary();
    const estimates = summary.estimates.map(
      (e): Estimate => (e.metric === 'inference' ? { ...e, validity: 'insufficient' } : e),
    );
    for (const cell of rowOf({ ...summary, estimates }, 'inference', 'p50').cells)
      expect(cell).toMatchObject({ kind: 'words' });
  });
});

describe('the best of a row', () => {
  it('is marked only where it was found better than every other', () => {
    expect(bestOf(decidedSummary(), 'inference', 'p95')).toEqual(['lakehouse']);
    expect(bestOf(headlineSummary(), 'inference', 'p95')).toEqual([]);
  });

  it('is not marked by the lower number alone', () => {
    const summary = decidedSummary();
    const comparisons = summary.comparisons.map(
      (c): Comparison => (c.metric === 'inference' && c.reference === 'lambda' ? { ...c, outcome: 'equivalent' } : c),
    );
    expect(bestOf({ ...summary, comparisons }, 'inference', 'p95')).toEqual([]);
  });

  it('is not marked beside a plane without a sound figure', () => {
    const summary = decidedSummary();
    const comparisons = summary.comparisons.map((c): Comparison => ({ ...c, outcome: 'better' }));
    expect(bestOf({ ...summary, comparisons }, 'inference', 'p99')).toEqual([]);
  });

  it('passes over a plane that does not offer the operation', () => {
    const summary = decidedSummary();
    const comparisons = summary.comparisons.map(
      (c): Comparison => (c.metric.startsWith('backfill') ? { ...c, outcome: 'worse' } : c),
    );
    expect(bestOf({ ...summary, comparisons }, 'backfill.time_per_tb', 'mean')).toEqual(['warehouse']);
  });

  it('is never chosen between measured and simulated figures', () => {
    const summary = decidedSummary();
    const estimates = summary.estimates.map(
      (e): Estimate => (e.architecture === 'lambda' ? { ...e, badge: 'simulated' } : e),
    );
    const mixed = { ...summary, estimates };
    const rows = figureTables(mixed)[0]!
      .groups.flatMap(({ rows }) => rows)
      .filter((row) => row.metric === 'inference' && row.statistic === 'p95');
    expect(rows.map(({ basis }) => basis.badge)).toContain('simulated');
    for (const row of rows) {
      const figures = row.cells.filter((cell) => cell.kind === 'figure');
      expect(figures.some((cell) => cell.plane === 'lambda')).toBe(row.basis.badge === 'simulated');
      expect(figures.some((cell) => cell.best)).toBe(false);
    }
  });
});
