import { describe, expect, it } from 'vitest';
import { type LedgerFacts, rowMistakes } from '../record/facts.js';
import { findingsOf } from './findings.js';
import { soundLedger, soundTables } from './sound-tables.fixture.js';

const sound = soundLedger;
const { final: allRight } = sound;
const tables = soundTables;
const found = (change: Partial<LedgerFacts>) =>
  findingsOf({ ...sound, ...change }).map(({ code, count }) => `${code} ${count}`);

describe('findings', () => {
  it('are none of a sound plane, whatever of its appends failed or is indeterminate, with tables or without', () => {
    expect(found({})).toEqual([]);
    expect(found({ tables: null })).toEqual([]);
    expect(found({ personalDataLeaks: null })).toEqual([]);
  });

  it('are one of every account', () => {
    const one = { lost: 1, duplicated: 2, unexpected: 3, quarantineMissing: 4, quarantineUnexpected: 5, skewed: 6 };
    expect(
      found({
        tables: { ...tables, ...one },
        behind: 7,
        reordered: 8,
        monotonicViolations: 9,
        personalDataLeaks: 10,
      }),
    ).toEqual([
      'LOST 1',
      'DUPLICATED 2',
      'UNEXPECTED 3',
      'QUARANTINE 9',
      'REORDERED 17',
      'SKEWED 6',
      'BEHIND 7',
      'PERSONAL_DATA 10',
    ]);
  });

  it('have a code and a sentence of its own for every mistake of a row', () => {
    const findings = rowMistakes.map((mistake) => {
      const rows = { checked: 3, right: 0, mistakes: { [mistake]: 1 } };
      const [finding, ...others] = findingsOf({ ...sound, final: rows, live: { ...rows, mistakes: { [mistake]: 2 } } });
      expect(others).toEqual([]);
      expect(finding?.count).toBe(3);
      expect(finding?.message).toMatch(/^3 rows .+\.$/);
      return finding;
    });
    expect(new Set(findings.map((finding) => finding?.code)).size).toBe(rowMistakes.length);
    expect(new Set(findings.map((finding) => finding?.message)).size).toBe(rowMistakes.length);
  });

  it('of a plane that corrects itself are those after its correction', () => {
    const wrong = { checked: 5, right: 3, mistakes: { over: 2 } };
    const change = { final: wrong, live: wrong, monotonicViolations: 4 };
    expect(found({ ...change, settled: allRight })).toEqual([]);
    expect(found({ ...change, settled: wrong })).toEqual(['OVERCOUNTED 2']);
    expect(found(change)).toEqual(['REORDERED 4', 'OVERCOUNTED 4']);
  });
});
