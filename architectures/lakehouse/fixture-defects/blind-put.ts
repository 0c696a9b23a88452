/** A put replaces whatever is there, newer or not; one that failed is repeated in the background, behind its successors. */
import { CallError } from '../../../harness/errors.js';
import { breakRole, withPort } from './broken-role.js';

const repeatAfterUs = 1_500_000;

export default breakRole('stream', 'blind-put', (context) =>
  withPort(context, 'onlineStore', (store) => {
    const { clock, signal } = context;
    let puts = 0;
    /** The store compares versions: one that only grows makes it replace every row. */
    const put: typeof store.put = (table, rows) => {
      const version = clock.nowUs() + puts++;
      return store.put(table, { ...rows, seqs: rows.seqs.map(() => version), asOfUs: rows.seqs.map(() => version) });
    };
    async function repeat(table: string, rows: Parameters<typeof store.put>[1]): Promise<void> {
      await clock.sleep(repeatAfterUs, signal);
      await put(table, rows).catch((error) => (error instanceof CallError ? repeat(table, rows) : undefined));
    }
    return {
      async put(table, rows) {
        try {
          return await put(table, rows);
        } catch (error) {
          if (!(error instanceof CallError)) throw error;
          void repeat(table, rows).catch(() => {});
          return { written: rows.keys.length, stale: 0 };
        }
      },
    };
  }),
);
