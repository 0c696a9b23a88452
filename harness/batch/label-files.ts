/** Labels on disk, as a plane is asked to make a training set of: those that were on time, and the late ones. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { generateLabels, type LabelOptions, labelSchema } from '../../workloads/labels.js';
import { appendColumns, createTableSql, quoteText } from '../ports/duckdb-columns.js';
import { withDuckDb } from '../record/column-files.js';

export interface LabelFiles {
  readonly onTime: string;
  readonly late: string;
}

export async function writeLabels(directory: string, options: LabelOptions): Promise<LabelFiles> {
  const files = { onTime: join(directory, 'labels-on-time.parquet'), late: join(directory, 'labels-late.parquet') };
  const labels = generateLabels(options);
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
