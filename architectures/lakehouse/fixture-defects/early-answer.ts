/** A put is answered before it is done: the commit to the table, by which the plane acknowledges, does not wait for it. */
import { CallError } from '../../../harness/errors.js';
import { breakRole, withPort } from './broken-role.js';

const writeBehindUs = 600_000;
/** Rows that tell whether the store is whole, without which nothing would be served at all. */
const isTold = (keys: readonly string[]) => keys.every((key) => key.startsWith('#'));

export default breakRole('stream', 'early-answer', (context) =>
  withPort(context, 'onlineStore', (store) => {
    async function putLater(...[table, rows]: Parameters<typeof store.put>): Promise<void> {
      await context.clock.sleep(writeBehindUs, context.signal);
      await store.put(table, rows).catch((error) => (error instanceof CallError ? putLater(table, rows) : undefined));
    }
    return {
      async put(table, rows) {
        if (isTold(rows.keys)) return store.put(table, rows);
        void putLater(table, rows).catch(() => {});
        return { written: rows.keys.length, stale: 0 };
      },
    };
  }),
);
