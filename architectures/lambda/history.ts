/** History into the master data: the facts as they came, personal data as tokens only. Safe to repeat. */
import type { BackfillRequest, BackfillResult, RoleContext } from '../../harness/architecture.js';
import type { ColumnBatch, Schema } from '../../harness/ports/columns.js';
import type { TableStore } from '../../harness/ports/table-store/port.js';
import { historySchemas } from '../../workloads/fact-schemas.js';

export type HistoryName = keyof typeof historySchemas;
export const historyNames = Object.keys(historySchemas) as HistoryName[];
export const historyTable = (name: HistoryName) => `history_${name}`;

const rowsPerAppend = 200_000;
const isPersonal = (column: string) => column === 'email' || column === 'phone';

export function storedSchema(name: HistoryName): Schema {
  return historySchemas[name].map((column) =>
    isPersonal(column.name) ? { ...column, name: `${column.name}_token` } : column,
  );
}

export async function createHistoryTables(tables: TableStore): Promise<void> {
  for (const name of historyNames) await tables.create(historyTable(name), storedSchema(name));
}

export async function loadHistory({ ports, contract }: RoleContext, request: BackfillRequest): Promise<BackfillResult> {
  const { tables } = ports;
  let rows = 0;
  await createHistoryTables(tables);
  for (const name of historyNames) {
    // One transaction an append, numbered: a load that was cut short goes on where it was.
    let version = 0;
    const facts = tokenised(tables.readParquet(request.files[name], historySchemas[name]), contract.tokenise);
    let appended: Promise<unknown> = Promise.resolve();
    for await (const batch of gather(facts, storedSchema(name))) {
      await appended;
      version++;
      appended = tables.append(historyTable(name), batch, [{ appId: 'lambda.history', version }]);
      // The next rows are read meanwhile; a rejection is for the next `await` to throw.
      appended.catch(() => {});
      rows += batch.rows;
    }
    await appended;
  }
  return { rows, filesByReference: 0 };
}

/** Batch by batch as they are read, so that a hundred thousand tokens are no standstill. */
async function* tokenised(
  batches: AsyncIterable<ColumnBatch>,
  tokenise: (personal: string) => string,
): AsyncIterable<ColumnBatch> {
  for await (const { rows, columns } of batches) {
    const stored = Object.entries(columns).map(([column, values]) =>
      isPersonal(column) ? [`${column}_token`, (values as readonly string[]).map(tokenise)] : [column, values],
    );
    yield { rows, columns: Object.fromEntries(stored) };
  }
}

/** The same rows in larger batches: a table is not made of small files from its first day. */
async function* gather(batches: AsyncIterable<ColumnBatch>, schema: Schema): AsyncIterable<ColumnBatch> {
  let parts: ColumnBatch[] = [];
  let rows = 0;
  for await (const batch of batches) {
    parts.push(batch);
    rows += batch.rows;
    if (rows < rowsPerAppend) continue;
    yield join(parts, rows, schema);
    parts = [];
    rows = 0;
  }
  if (rows > 0) yield join(parts, rows, schema);
}

/** History knows no nulls. */
function join(parts: readonly ColumnBatch[], rows: number, schema: Schema): ColumnBatch {
  const columns: Record<string, Float64Array | string[]> = {};
  for (const { name, type } of schema) {
    const values = parts.map((part) => part.columns[name]);
    columns[name] = type === 'int' ? joinInts(values as Float64Array[], rows) : (values as string[][]).flat();
  }
  return { rows, columns };
}

function joinInts(parts: readonly ArrayLike<number>[], rows: number): Float64Array {
  const joined = new Float64Array(rows);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
