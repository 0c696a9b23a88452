/** The compactor does not say what it writes. */
import { lineageTable } from '../../../harness/lineage/journal.js';
import { breakRole, withPort } from './broken-role.js';

export default breakRole('compactor', 'silent-compactor', (context) =>
  withPort(context, 'tables', (tables) => ({
    append: async (table, rows, txns) =>
      table === lineageTable ? { committed: true, version: 0 } : tables.append(table, rows, txns),
  })),
);
