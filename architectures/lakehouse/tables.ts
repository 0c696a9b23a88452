/** What the plane keeps where: names and shapes of its tables, and the rows of the online store. */
import type { Schema } from '../../harness/ports/columns.js';
import type { TableStore } from '../../harness/ports/table-store/port.js';
import { changeSchema, historySchemas } from '../../workloads/fact-schemas.js';

/** Customer rows in the online store, by the customer's id in decimal. */
export const rowTable = 'customer_activity';
/** There, too, it is kept what is served: one row. */
export const servedTable = 'lakehouse_served';

/** Every change that was taken in, applied or refused, once. Only the stream appends to it. */
export const changesTable = 'changes';
/** The latest image of every entity that a change has touched; only the compactor writes it. */
export const currentTable = 'current';

export const historyNames = ['orders', 'clicks', 'devices', 'customers'] as const;
export type HistoryName = (typeof historyNames)[number];
export const historyTable = (name: HistoryName) => `history_${name}`;

/** Application ids of the txns that a commit carries. */
export const streamTxn = (partition: number) => `lakehouse.stream/${partition}`;
/** Which stream may append to the changes. */
export const writerTxn = 'lakehouse.stream';
export const historyTxn = 'lakehouse.history';

const personal = ['email', 'phone'];
export const isPersonal = (column: string) => personal.includes(column);
export const tokenColumn = (column: string) => `${column}_token`;

/** A history table as it is stored: tokens in the place of personal data. */
export function storedSchema(name: HistoryName): Schema {
  return historySchemas[name].map((column) =>
    isPersonal(column.name) ? { ...column, name: tokenColumn(column.name) } : column,
  );
}

export async function createTables(tables: TableStore): Promise<void> {
  await Promise.all([
    tables.create(changesTable, changeSchema),
    ...historyNames.map((name) => tables.create(historyTable(name), storedSchema(name))),
  ]);
}
