/** Reprocessing forgets the rows of the last customer that is affected. */
import { breakRole, withPort } from './broken-role.js';

export default breakRole('batch', 'missed-partition', (context) =>
  withPort(context, 'tables', (tables) => ({
    async upsert(table, rows, options) {
      const customers = Array.from(rows.columns.customer as ArrayLike<number>);
      const last = Math.max(...customers);
      const kept = customers.flatMap((customer, i) => (customer === last ? [] : [i]));
      const columns = Object.fromEntries(
        Object.entries(rows.columns).map(([name, values]) => [name, kept.map((i) => values[i] as number)]),
      );
      return tables.upsert(table, { rows: kept.length, columns }, options);
    },
  })),
);
