/** The rows of one version of a table, a page at a time. */
import type { TableRef } from '../../architecture.js';
import type { ColumnBatch, Schema } from '../columns.js';
import type { TableStore } from './port.js';

export async function* readVersion<Page>(
  tables: TableStore,
  { table, version }: TableRef,
  schema: Schema,
  pageOf: (batch: ColumnBatch) => Page,
): AsyncIterable<Page> {
  const columns = schema.map(({ name }) => name);
  for await (const batch of tables.scan(await tables.snapshot(table, version), { columns })) yield pageOf(batch);
}
