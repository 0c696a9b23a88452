/** The position in the log is committed before what was read from it: a crash in between loses it. */
import { changesTable } from '../tables.js';
import { breakRole, withPort } from './broken-role.js';

const writeTakesUs = 1_000_000;

export default breakRole('stream', 'early-offset', (context) =>
  withPort(context, 'tables', (tables) => ({
    async append(table, rows, txns) {
      if (table !== changesTable) return tables.append(table, rows, txns);
      const result = await tables.append(table, { rows: 0, columns: {} }, txns);
      await context.clock.sleep(writeTakesUs, context.signal);
      if (result.committed) await tables.append(table, rows, []);
      return result;
    },
  })),
);
