import fc from 'fast-check';
import { expect, it } from 'vitest';
import { copyAsJson } from './json-copy.js';

const number = fc.oneof(
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(0, -0, 9, 10, -10, 1e15 - 1, 1e15, 2 ** 53, 1e21),
);
const leaf = fc.oneof(
  number,
  fc.string({ unit: 'binary' }),
  fc.string({ maxLength: 100 }),
  fc.constantFrom(
    null,
    undefined,
    true,
    false,
    { toJSON: () => 'told' },
    () => 1,
    new Map([[1, 2]]),
    Object.create(null),
    '\ud800',
  ),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof({ depthSize: 'medium' }, leaf, tie('list'), tie('record')),
  list: fc.array(tie('tree'), { maxLength: 5 }),
  record: fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('1', 'key', 'toJSON', '__proto__')), tie('tree'), {
    maxKeys: 5,
  }),
}));

it('equals what JSON makes of a value, and has the length of its text', () => {
  fc.assert(
    fc.property(fc.array(tree), (value) => {
      const text = JSON.stringify(value);
      const copy = copyAsJson(value);
      expect(copy.length).toBe(text.length);
      expect(copy.value).toStrictEqual(JSON.parse(text));
      expect(JSON.stringify(copy.value)).toBe(text); // the order of fields too
    }),
    { numRuns: 1000 },
  );
});

it('shares nothing with the value', () => {
  const row = { key: '7', features: [1, null] };
  const { value } = copyAsJson([row]);
  row.features[0] = 2;
  expect(value).toEqual([{ key: '7', features: [1, null] }]);
});
