/** Labels on disk, as a plane is asked to make a training set of: those that were on time, and the late ones. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Labels, labelSchema } from '../../workloads/labels.js';
import { withDuckDb } from '../ports/duckdb.js';
import { appendColumns, createTableSql, quoteText } from '../ports/duckdb-columns.js';

export type LabelFiles = { readonly [part in keyof Labels]: string };

export async function writeLabels(directory: string, labels: Labels): Promise<LabelFiles> {
  const files = { onTime: join(directory, 'labels-on-time.parquet'), late: join(directory, 'labels-late.parquet') };
  await mkdir(directory, { recursive: true });
  await withDuckDb(async (connection) => {
    for (const part of ['onTime', 'late'] as const) {
      await connection.run(createTableSql(part, labelSchema));
      await appendColumns(connection, part, labelSchema, labels[part]);
      await connection.run(`COPY "${part}" TO ${quoteText(files[part])} (FORMAT parquet)`);
    }
  });
  return files;
}
