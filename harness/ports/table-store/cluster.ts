/**
 * Clusters rows by several columns at once: in the order of a Z-order curve (Morton 1966), any part of which spans a small
 * range of every column, so that files cut from it can be skipped by each. The curve is drawn over ranks, not values: a
 * column whose values are few, far apart or skewed counts as much as the others.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteIdentifier } from '../duckdb-columns.js';

/** In the order of what the curve's position is made of; a single column needs no curve. */
const bitsAtMost = 16;

/** Fills `clustered` with `rows` in the order of the curve. */
export async function clusterRows(
  connection: DuckDBConnection,
  rows: string,
  columns: readonly string[],
): Promise<void> {
  const [only] = columns;
  if (columns.length === 1) {
    await connection.run(`CREATE OR REPLACE TEMP TABLE clustered AS FROM ${rows} ORDER BY ${quoteIdentifier(only!)}`);
    return;
  }
  const bits = Math.min(bitsAtMost, Math.floor(62 / columns.length));
  const greatest = 2 ** bits - 1;
  const ranks = columns.map(
    (name, i) =>
      `(percent_rank() OVER (ORDER BY ${quoteIdentifier(name)}) * ${greatest})::BIGINT AS "planebench rank ${i}"`,
  );
  const position: string[] = [];
  for (let bit = 0; bit < bits; bit++) {
    for (const i of columns.keys()) {
      position.push(`((("planebench rank ${i}" >> ${bit}) & 1) << ${bit * columns.length + i})`);
    }
  }
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE clustered AS
     SELECT * EXCLUDE (${columns.map((_, i) => `"planebench rank ${i}"`).join(', ')})
     FROM (SELECT *, ${ranks.join(', ')} FROM ${rows}) ORDER BY ${position.join(' | ')}`,
  );
}
