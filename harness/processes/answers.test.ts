import { describe, expect, it } from 'vitest';
import { backfillOf, changesOf, inventoryOf, predictionsOf, rowsOf } from './answers.js';

const features = [...Array(12).fill(null), 3];
const row = { key: '7', lastSeq: 1, asOfUs: 2, features };
const prediction = { key: '7', score: 0.5, modelVersion: 1, lastSeq: 1, asOfUs: 2 };

describe('what a plane answers', () => {
  it('is passed on when it is what was asked for', () => {
    expect(rowsOf([row], ['7'])).toEqual([row]);
    expect(predictionsOf([prediction], ['7'])).toEqual([prediction]);
    expect(changesOf('exportChanges', [{ customer: 0, seq: 1 }])).toEqual([{ customer: 0, seq: 1 }]);
    expect(backfillOf({ rows: 3, filesByReference: 0 })).toEqual({ rows: 3, filesByReference: 0 });
  });

  it.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /lookup answered undefined: expected a list of 1 rows/],
    ['no list', { rows: [row] }, /lookup answered {"rows".*expected a list of 1 rows/],
    ['too few rows', [], /lookup answered 0 rows for 1 keys/],
    ['too many rows', [row, row], /lookup answered 2 rows for 1 keys/],
    ['a row that is none', [null], /lookup answered null: expected the row of key "7"/],
    ['the row of another', [{ ...row, key: '8' }], /expected the row of key "7"/],
    ['a text as number', [{ ...row, lastSeq: '1' }], /expected whole numbers as lastSeq and asOfUs/],
    ['no features', [{ ...row, features: undefined }], /expected 13 features, each a number or null/],
    ['a feature too few', [{ ...row, features: features.slice(1) }], /expected 13 features/],
    ['a text as feature', [{ ...row, features: features.with(0, '5') }], /expected 13 features/],
    ['a hole', [{ ...row, features: features.with(0, undefined) }], /expected 13 features/],
  ])('is a failed call when it is %s', (_, answer, sentence) => {
    expect(() => rowsOf(answer, ['7'])).toThrow(sentence);
  });

  it('is a failed call when it is no probability, no page or no count', () => {
    expect(() => predictionsOf([{ ...prediction, score: null }], ['7'])).toThrow(/expected a score from 0 to 1/);
    expect(() => changesOf('quarantine', 'all')).toThrow(/quarantine answered "all": expected pages/);
    expect(() => changesOf('exportChanges', [{ customer: 1 }])).toThrow(/expected whole numbers as customer and seq/);
    expect(() => backfillOf({ rows: 'many' })).toThrow(/backfill answered .*expected a whole number as rows/);
    expect(() => inventoryOf(null)).toThrow(/inventory answered null: expected a whole number as files/);
  });
});
