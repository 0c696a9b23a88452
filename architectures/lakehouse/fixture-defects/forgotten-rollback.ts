/** What is served is kept in the memory of the process alone: one that is started again serves the newest state. */
import type { StoredRow } from '../../../harness/ports/online-store/port.js';
import { servedTable } from '../tables.js';
import { breakRole, withPort } from './broken-role.js';

export default breakRole('serving', 'forgotten-rollback', (context) =>
  withPort(context, 'onlineStore', (store) => {
    let remembered: StoredRow | null = null;
    return {
      async get(table, keys) {
        return table === servedTable ? [remembered] : store.get(table, keys);
      },
      async put(table, rows) {
        if (table !== servedTable) return store.put(table, rows);
        const [seq, asOfUs, value] = [rows.seqs[0] as number, rows.asOfUs[0] as number, rows.values[0] as Uint8Array];
        remembered = { seq, asOfUs, value };
        return { written: 1, stale: 0 };
      },
    };
  }),
);
