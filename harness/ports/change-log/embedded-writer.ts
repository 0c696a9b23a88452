/** The thread that writes the log: each group of records is one transaction, on the disk when it is answered. */
import { transact } from '../lmdb/environment.js';
import { runWriterThread } from '../lmdb/writer-thread.js';
import { type LogPut, openLogStorage } from './embedded-storage.js';

runWriterThread<readonly LogPut[], null>((directory) => {
  const { root, databases } = openLogStorage(directory);
  return {
    write(group) {
      transact(root, () => {
        for (const { database, key, value } of group) databases[database].put(key, value);
      });
      return null;
    },
    close: () => root.close(),
  };
});
