/** What the plane keeps in the warehouse: names and shapes of its tables. */
import type { RoleContext } from '../../harness/architecture.js';
import type { Schema } from '../../harness/ports/columns.js';
import type { MergeSpec, RefreshSpec, Warehouse } from '../../harness/ports/warehouse/port.js';
import { featuresSchema, scoredSchema, trainingSchema } from '../../workloads/batch-rows.js';
import { changeSchema, historySchemas } from '../../workloads/fact-schemas.js';

/** Changes on their way in; in `changeSchema`, as the two below. */
export const stagedTable = 'staged_changes';
/** Every change that was taken in, applied or refused, once. */
export const changesTable = 'changes';
/** Further copies of changes. */
export const duplicatesTable = 'duplicates';

export type HistoryName = keyof typeof historySchemas;
export const historyNames = Object.keys(historySchemas) as HistoryName[];
const historyPrefix = 'history_';
export const historyTable = (name: HistoryName) => historyPrefix + name;

/** What batch work makes, all of each kind: rows of one making have its number as version. */
export const scoredTable = 'scored';
export const trainingTable = 'training';
/** One row a training set: what it is made of, however often it is made. */
export const trainingSetsTable = 'training_sets';
/** What was served, a row each time that it changed. */
export const servedStatesTable = 'served_states';
/** A copy of the feature view. */
export const snapshotTable = (id: string) => `snapshot_${id}`;

const int = (name: string) => ({ name, type: 'int', nullable: false }) as const;
const text = (name: string) => ({ name, type: 'text', nullable: false }) as const;
export const servedStatesSchema: Schema = [int('number'), text('state')];
export const snapshotSchema: Schema = [...featuresSchema, int('view_version'), int('model_version')];

const personal = ['email', 'phone'];
export const isPersonal = (column: string) => personal.includes(column);
export const tokenColumn = (column: string) => `${column}_token`;

/** A history table as it is stored: tokens in the place of personal data. */
function storedSchema(name: HistoryName): Schema {
  return historySchemas[name].map((column) =>
    isPersonal(column.name) ? { ...column, name: tokenColumn(column.name) } : column,
  );
}

export async function createTables(warehouse: Warehouse): Promise<void> {
  for (const table of [stagedTable, changesTable, duplicatesTable]) await warehouse.createTable(table, changeSchema);
  for (const name of historyNames) await warehouse.createTable(historyTable(name), storedSchema(name));
  await warehouse.createTable(scoredTable, [int('version'), ...scoredSchema]);
  await warehouse.createTable(trainingTable, [int('version'), ...trainingSchema]);
  await warehouse.createTable(trainingSetsTable, [text('id'), text('record')]);
  await warehouse.createTable(servedStatesTable, servedStatesSchema);
}

export const mergeSpec: MergeSpec = {
  from: stagedTable,
  into: changesTable,
  key: ['customer', 'seq'],
  duplicatesInto: duplicatesTable,
};

export function refreshSpec({ contract }: RoleContext, asOfUs: number): RefreshSpec {
  return { view: contract.view, history: historyPrefix, changes: changesTable, asOfUs };
}
