import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { harmless, lengthOf, wrap } from './lines.js';

describe('wrapping', () => {
  it('keeps every word, in lines no longer than asked', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 }),
        fc.integer({ min: 1, max: 40 }),
        (words, width) => {
          const lines = wrap(words.join(' '), width);
          expect(lines.every((line) => lengthOf(line) <= width)).toBe(true);
          expect(lines.join('').replaceAll(' ', '')).toBe(words.join(''));
        },
      ),
    );
  });

  it('ends for a terminal without a width', () => {
    expect(wrap('ab c', 0)).toEqual(['a', 'b', 'c']);
  });
});

describe('text of others in a log', () => {
  it('gives no commands to a terminal or to a CI server', () => {
    expect(harmless('failed:\n  ::error file=x::gone\n##[group]a\u001b[2J\rb')).toBe(
      'failed:\n  | ::error file=x::gone\n| ##[group]a\ufffd[2J\nb',
    );
    expect(harmless('std::vector of ::1, as it was\n\tat main')).toBe('std::vector of ::1, as it was\n\tat main');
  });
});
