/**
 * History into its tables: copied and sorted by customer inside the engine, tokens in the place of personal data, a range
 * of customers a commit. The number of a commit is the bookmark: one that is there is not made again.
 */
import type { BackfillRequest, RoleContext } from '../../harness/architecture.js';
import { untilDone } from '../../harness/ports/retries.js';
import type { Relation } from '../../harness/ports/table-store/port.js';
import type { DataContract } from '../../workloads/data-contract.js';
import { historySchemas } from '../../workloads/fact-schemas.js';
import { tokenSql } from '../../workloads/token-sql.js';
import { type HistoryName, historyNames, historyTable, historyTxn, isPersonal, tokenColumn } from './tables.js';

/** Bounds what a commit sorts at a time, and what is done again after a crash. */
const rowsPerCommit = 5_000_000;

/** How many rows the files have. */
export async function storeHistory(context: RoleContext, files: BackfillRequest['files']): Promise<number> {
  let rows = 0;
  // Customers last: their table says that history is there.
  for (const name of historyNames) rows += await storeTable(context, name, files[name]);
  return rows;
}

async function storeTable(context: RoleContext, name: HistoryName, path: string): Promise<number> {
  const { ports, contract } = context;
  const from: Record<string, Relation> = { source: { parquet: [path], schema: historySchemas[name] } };
  const rows = await untilDone(context, () => countRows(context, from));
  const commits = Math.max(1, Math.ceil(rows / rowsPerCommit));
  const customersPerCommit = Math.ceil(contract.customers / commits);
  for (let version = 1; version <= commits; version++) {
    const least = version === 1 ? '' : `customer >= ${(version - 1) * customersPerCommit}`;
    // The last takes whoever is beyond: what the files have is never left out.
    const below = version === commits ? '' : `customer < ${version * customersPerCommit}`;
    const range = [least, below].filter((condition) => condition !== '').join(' AND ');
    await untilDone(context, () =>
      ports.tables.derive({
        into: historyTable(name),
        from,
        sql: `SELECT ${storedColumns(name, contract)} FROM source${range === '' ? '' : ` WHERE ${range}`}`,
        mode: 'append',
        sortBy: ['customer'],
        txns: [{ appId: historyTxn, version }],
      }),
    );
  }
  return rows;
}

async function countRows({ ports }: RoleContext, from: Record<string, Relation>): Promise<number> {
  const schema = [{ name: 'rows', type: 'int', nullable: false }] as const;
  for await (const { columns } of ports.tables.query({ from, sql: 'SELECT count(*) AS rows FROM source', schema }))
    return columns.rows?.[0] as number;
  throw new Error('a count has one row');
}

function storedColumns(name: HistoryName, contract: DataContract): string {
  return historySchemas[name]
    .map((column) =>
      isPersonal(column.name) ? `${tokenSql(contract, column.name)} AS ${tokenColumn(column.name)}` : column.name,
    )
    .join(', ');
}
