/** Loads history, then builds the features over it. Safe to repeat after a crash at any point. */
import type { BackfillRequest, BackfillResult, RoleContext } from '../../harness/architecture.js';
import type { Lineage } from '../../harness/lineage/recorder.js';
import type { ColumnBatch, TextValues } from '../../harness/ports/columns.js';
import type { EventTime } from '../../workloads/event-time.js';
import { historySchemas } from '../../workloads/fact-schemas.js';
import { recordBackfill } from './lineage.js';
import { type HistoryName, historyNames, historyTable, isPersonal, refreshSpec, tokenColumn } from './tables.js';

/** `time`: of the features over it. */
export async function loadHistory(
  context: RoleContext,
  { files }: BackfillRequest,
  time: EventTime,
  lineage: Lineage,
): Promise<BackfillResult> {
  await recordBackfill(lineage, files);
  const { warehouse } = context.ports;
  let rows = 0;
  for (const name of historyNames) {
    const hasPersonalData = historySchemas[name].some((column) => isPersonal(column.name));
    rows += hasPersonalData
      ? await stageTokenised(context, name, files[name])
      : (await warehouse.copy(historyTable(name), files[name], historySource(name))).rows;
  }
  await warehouse.refresh(refreshSpec(context, time.nowUs()));
  return { rows, filesByReference: 0 };
}

const rowsPerStage = 20_000;
const historySource = (name: HistoryName) => `history ${name}`;

/** Personal data never reaches the warehouse: its rows go through this process, and leave it as tokens. */
async function stageTokenised({ ports, contract }: RoleContext, name: HistoryName, path: string): Promise<number> {
  const { warehouse, tables } = ports;
  const source = historySource(name);
  let position = await warehouse.position(source);
  let rows = 0;
  for await (const batch of gathered(tables.readParquet(path, historySchemas[name]))) {
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

/** The same rows in fewer batches: each costs the warehouse a transaction. */
async function* gathered(batches: AsyncIterable<ColumnBatch>): AsyncIterable<ColumnBatch> {
  let parts: ColumnBatch[] = [];
  let rows = 0;
  for await (const batch of batches) {
    parts.push(batch);
    rows += batch.rows;
    if (rows < rowsPerStage) continue;
    yield joined(parts, rows);
    parts = [];
    rows = 0;
  }
  if (rows > 0) yield joined(parts, rows);
}

function joined(parts: readonly ColumnBatch[], rows: number): ColumnBatch {
  const names = Object.keys(parts[0]!.columns);
  const columns = names.map((name) => [name, parts.flatMap((part) => [...part.columns[name]!].slice(0, part.rows))]);
  return { rows, columns: Object.fromEntries(columns) };
}

function tokenised({ rows, columns }: ColumnBatch, tokenise: (personal: string) => string): ColumnBatch {
  const stored = Object.entries(columns).map(([name, values]) =>
    isPersonal(name)
      ? [tokenColumn(name), (values as TextValues).slice(0, rows).map((text) => text && tokenise(text))]
      : [name, values],
  );
  return { rows, columns: Object.fromEntries(stored) };
}
