/** Where the files of history lie, kept in a table of four rows, so that an adapter that starts again knows them. */
import type { BackfillRequest } from '../../harness/architecture.js';
import type { Schema, TextValues } from '../../harness/ports/columns.js';
import type { TableStore } from '../../harness/ports/table-store/port.js';

export type HistoryFiles = BackfillRequest['files'];

const table = 'history_files';
const schema: Schema = [
  { name: 'name', type: 'text', nullable: false },
  { name: 'path', type: 'text', nullable: false },
];

/** Once: a repeated backfill names the same files. */
export async function rememberHistory(tables: TableStore, files: HistoryFiles): Promise<void> {
  const columns = { name: Object.keys(files), path: Object.values(files) };
  await tables.create(table, schema);
  await tables.append(table, { rows: columns.name.length, columns }, [{ appId: 'http', version: 1 }]);
}

/** Null before the first backfill. */
export async function rememberedHistory(tables: TableStore): Promise<HistoryFiles | null> {
  if (!(await tables.tables()).includes(table)) return null;
  const found: [string, string][] = [];
  for await (const { rows, columns } of tables.scan(await tables.snapshot(table), { columns: ['name', 'path'] })) {
    const [names, paths] = [columns.name as TextValues, columns.path as TextValues];
    for (let i = 0; i < rows; i++) found.push([names[i] as string, paths[i] as string]);
  }
  return found.length === 0 ? null : (Object.fromEntries(found) as unknown as HistoryFiles);
}
