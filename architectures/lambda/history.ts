/** History into the master data: the facts as they came, personal data as tokens only. Safe to repeat. */
import type { BackfillRequest, BackfillResult, RoleContext } from '../../harness/architecture.js';
import type { ColumnBatch, Schema } from '../../harness/ports/columns.js';
import { historySchemas } from '../../workloads/fact-schemas.js';

export type HistoryName = keyof typeof historySchemas;
export const historyNames = Object.keys(historySchemas) as HistoryName[];
export const historyTable = (name: HistoryName) => `history_${name}`;

const rowsPerAppend = 200_000;
const isPersonal = (column: string) => column === 'name' || column === 'email' || column === 'phone';

export function storedSchema(name: HistoryName): Schema {
  return historySchemas[name].map((column) =>
    isPersonal(column.name) ? { ...column, name: `${column.name}_token` } : column,
  );
}

export async function loadHistory({ ports, contract }: RoleContext, request: BackfillRequest): Promise<BackfillResult> {
  const { tables } = ports;
  let rows = 0;
  for (const name of historyNames) {
    await tables.create(historyTable(name), storedSchema(name));
    // One transaction an append, numbered: a load that was cut short goes on where it was.
    let version = 0;
    for await (const batch of gather(tables.readParquet(request.files[name], historySchemas[name]))) {
      version++;
      const columns = Object.fromEntries(
        Object.entries(batch.columns).map(([column, values]) =>
          isPersonal(column)
            ? [`${column}_token`, values.map((value) => contract.tokenise(String(value)))]
            : [column, values],
        ),
      );
      await tables.append(historyTable(name), { rows: batch.rows, columns: columns as ColumnBatch['columns'] }, [
        { appId: 'lambda.history', version },
      ]);
      rows += batch.rows;
    }
  }
  return { rows, filesByReference: 0 };
}

interface Gathered {
  readonly rows: number;
  readonly columns: Record<string, (number | string | null)[]>;
}

/** The same rows in larger batches: a table is not made of small files from its first day. */
async function* gather(batches: AsyncIterable<ColumnBatch>): AsyncIterable<Gathered> {
  let columns: Gathered['columns'] = {};
  let rows = 0;
  for await (const batch of batches) {
    for (const [name, values] of Object.entries(batch.columns)) {
      columns[name] ??= [];
      for (const value of values) columns[name].push(value);
    }
    rows += batch.rows;
    if (rows < rowsPerAppend) continue;
    yield { rows, columns };
    columns = {};
    rows = 0;
  }
  if (rows > 0) yield { rows, columns };
}
