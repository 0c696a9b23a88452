/** Loads history, then builds the features over it. Safe to repeat after a crash at any point. */
import type { BackfillRequest, BackfillResult, RoleContext } from '../../harness/architecture.js';
import type { ColumnBatch, TextValues } from '../../harness/ports/columns.js';
import { historySchemas } from '../../workloads/fact-schemas.js';
import { type HistoryName, historyNames, historyTable, isPersonal, refreshSpec, tokenColumn } from './tables.js';

export async function loadHistory(context: RoleContext, { files }: BackfillRequest): Promise<BackfillResult> {
  const { warehouse } = context.ports;
  let rows = 0;
  for (const name of historyNames) {
    const hasPersonalData = historySchemas[name].some((column) => isPersonal(column.name));
    rows += hasPersonalData
      ? await stageTokenised(context, name, files[name])
      : (await warehouse.copy(historyTable(name), files[name], historySource(name))).rows;
  }
  await warehouse.refresh(refreshSpec(context));
  return { rows, filesByReference: 0 };
}

const historySource = (name: HistoryName) => `history ${name}`;

/** Personal data never reaches the warehouse: its rows go through this process, and leave it as tokens. */
async function stageTokenised({ ports, contract }: RoleContext, name: HistoryName, path: string): Promise<number> {
  const { warehouse, tables } = ports;
  const source = historySource(name);
  let position = await warehouse.position(source);
  let rows = 0;
  for await (const batch of tables.readParquet(path, historySchemas[name])) {
    const from = rows;
    rows += batch.rows;
    const staged = position?.[0] ?? 0;
    if (rows <= staged) continue;
    if (from < staged)
      throw new Error(`${path}: ${staged} rows were loaded before, which is no end of a batch; has the file changed?`);
    const to = [rows];
    await warehouse.stage(historyTable(name), tokenised(batch, contract.tokenise), { source, from: position, to });
    position = to;
  }
  return rows;
}

function tokenised({ rows, columns }: ColumnBatch, tokenise: (personal: string) => string): ColumnBatch {
  const stored = Object.entries(columns).map(([name, values]) =>
    isPersonal(name)
      ? [tokenColumn(name), (values as TextValues).slice(0, rows).map((text) => text && tokenise(text))]
      : [name, values],
  );
  return { rows, columns: Object.fromEntries(stored) };
}
