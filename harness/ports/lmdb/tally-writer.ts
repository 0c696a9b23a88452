/** A writer thread for the tests of this folder: keeps a sum. */
import { openDatabase, openEnvironment, transact } from './environment.js';
import { runWriterThread } from './writer-thread.js';

export interface TallyWork {
  readonly add: number;
  readonly bytes?: Uint8Array;
  readonly thenThrow?: string;
}

runWriterThread<TallyWork, number>((directory) => {
  const root = openEnvironment(directory, 'process-safe');
  const tally = openDatabase(root, 'tally');
  const key = Buffer.from('sum');
  return {
    write({ add, thenThrow }) {
      return transact(root, () => {
        const stored = tally.get(key);
        const sum = add + (stored ? Buffer.from(stored).readDoubleLE(0) : 0);
        tally.put(key, new Uint8Array(Float64Array.of(sum).buffer));
        if (thenThrow) throw new Error(thenThrow);
        return sum;
      });
    },
    close: () => root.close(),
  };
});
