/** The rows of a commit carry no txn, the position in the log follows in a commit of its own: what is repeated is held twice. */
import { changesTable } from '../tables.js';
import { breakRole, withPort } from './broken-role.js';

export default breakRole('stream', 'no-txn', (context) =>
  withPort(context, 'tables', (tables) => ({
    async append(table, rows, txns) {
      if (table !== changesTable || rows.rows === 0) return tables.append(table, rows, txns);
      const result = await tables.append(table, rows, []);
      await tables.append(table, { rows: 0, columns: {} }, txns);
      return result;
    },
  })),
);
