import { expect, test } from 'vitest';
import { customerActivity } from './feature-view.js';
import { modelOf, modelVersion, predict, predictRows } from './model.js';

const quiet = [0, 0, 0, 0, 0, 0, 0, 0, 0, null, null, null, null];
const busy = [3, 12, 40, 45_000, 160_000, 500_000, 20, 90, 400, 1_800_000_000, 4, 4_200, 870];

// Pinned: a change of any weight is a new model and needs a new modelVersion.
test('the predictions of version 1', () => {
  expect(modelVersion).toBe(1);
  expect(predict(quiet)).toBe(0.17857142857142855);
  expect(predict(busy)).toBe(0.8116760828625236);
});

test('the predictions of version 2', () => {
  expect(predict(quiet, modelOf(2))).toBe(0.16666666666666669);
  expect(predict(busy, modelOf(2))).toBe(0.7878659312685617);
  expect(() => modelOf(3)).toThrow('there is no version 3; there are 1, 2');
});

test('a prediction is a probability, whatever the features', () => {
  const extreme = [0, 1, 1e6, 1e15, null];
  for (const value of extreme) {
    const score = predict(customerActivity.features.map(() => value));
    expect(score).toBeGreaterThanOrEqual(0);
    expect(score).toBeLessThanOrEqual(1);
  }
});

test('features of another view are refused', () => {
  expect(() => predict([1, 2, 3])).toThrow(/expected 13 features/);
});

test('a row is predicted from its own features and keeps its key, seq and time', () => {
  const row = (key: string, features: (number | null)[]) => ({ key, lastSeq: 7, asOfUs: 9, features });
  expect(predictRows([row('2', busy), row('1', quiet)])).toEqual([
    { key: '2', score: predict(busy), modelVersion, lastSeq: 7, asOfUs: 9 },
    { key: '1', score: predict(quiet), modelVersion, lastSeq: 7, asOfUs: 9 },
  ]);
  expect(predictRows([row('1', quiet)], 2)).toMatchObject([{ score: predict(quiet, modelOf(2)), modelVersion: 2 }]);
});
