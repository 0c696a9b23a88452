import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { headlineManifest, headlineSummary } from './fixtures/headline.js';
import { publishedSchema } from './schema.js';
import { validateManifest, validateSummary } from './validate.js';

/** What a reader gets from disk. */
const saved = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe('the published schemas', () => {
  it.each(['summary', 'manifest', 'price-book', 'baseline'] as const)(
    '%s.schema.json is what schema.ts generates',
    (name) => {
      const file = new URL(`../../reports/${name}.schema.json`, import.meta.url);
      expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(saved(publishedSchema(name)));
    },
  );

  it('accept what the harness writes', () => {
    expect(validateSummary(saved(headlineSummary()))).toEqual(headlineSummary());
    expect(validateManifest(saved(headlineManifest()))).toEqual(headlineManifest());
  });
});

describe('what is wrong is told with its path', () => {
  const summary = () => JSON.stringify(headlineSummary());
  it.each<[string, string, string, RegExp]>([
    [
      'a missing field',
      '"outcome":"inconclusive","sentences"',
      '"sentences"',
      /\/verdict: must have required property 'outcome'/,
    ],
    ['an unknown field', '"suite":', '"extra":1,"suite":', /\/run: must NOT have additional properties \("extra"\)/],
    [
      'a number in words',
      '"pointEstimate":276000',
      '"pointEstimate":"5"',
      /\/estimates\/0\/pointEstimate: must be number,null/,
    ],
    ['an unknown word', '"validity":"ok"', '"validity":"fine"', /\/estimates\/0\/validity: .* \(\["ok",/],
    [
      'another version',
      'planebench.summary/1',
      'planebench.summary/2',
      /\/schema: must be equal to constant \("planebench.summary\/1"\)/,
    ],
  ])('%s', (_, sound, spoilt, message) => {
    expect(summary()).toContain(sound);
    const value: unknown = JSON.parse(summary().replace(sound, spoilt));
    expect(() => validateSummary(value, 'old.json')).toThrow(message);
    expect(() => validateSummary(value, 'old.json')).toThrow(/^old\.json is no planebench\.summary\/1/);
  });

  it('even of what is no object', () => {
    expect(() => validateManifest('text')).toThrow('manifest.json is no planebench.manifest/1:\n  /: must be object');
  });

  it('lists ten at most', () => {
    const summary = { ...saved(headlineSummary()), estimates: Array.from({ length: 14 }, () => 1) };
    expect(() => validateSummary(summary)).toThrow(/and 4 more/);
  });
});
