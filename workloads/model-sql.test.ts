import fc from 'fast-check';
import { expect, test } from 'vitest';
import { withDuckDb } from '../harness/ports/duckdb.js';
import { featureNames } from './batch-rows.js';
import { customerActivity, emptyFeatures, isAdditive } from './feature-view.js';
import { modelOf, predict, scorePpb } from './model.js';
import { scoreSql } from './model-sql.js';

/** Sums of so much are exact. */
const most = 2_000_000_000;
const value = fc.oneof(fc.nat(3), fc.nat(1_000), fc.nat(1_000_000), fc.nat(most));
const row = fc.tuple(
  ...customerActivity.features.map((feature) => (isAdditive(feature) ? value : fc.option(value, { freq: 3 }))),
);

test('SQL and TypeScript agree on every score to the last bit', async () => {
  await withDuckDb(async (connection) => {
    await connection.run(`CREATE TABLE rows (${featureNames.map((name) => `${name} BIGINT`).join(', ')}, i BIGINT)`);
    const rows = fc.sample(row, { numRuns: 5_000, seed: 1 }) as (number | null)[][];
    rows.push(
      emptyFeatures(customerActivity),
      featureNames.map(() => 0),
      featureNames.map(() => most),
    );
    const literals = rows.map((features, i) => `(${[...features, i].map((item) => item ?? 'NULL').join(', ')})`);
    await connection.run(`INSERT INTO rows VALUES ${literals.join(', ')}`);
    for (const version of [1, 2]) {
      const expected = rows.map((features) => scorePpb(predict(features, modelOf(version))));
      const sql = `SELECT ${scoreSql(featureNames, version)} AS score FROM rows ORDER BY i`;
      const scores = (await connection.runAndReadAll(sql)).getColumnsJS()[0]?.map(Number);
      expect(scores).toEqual(expected);
    }
  });
});
