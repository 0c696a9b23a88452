/** A process that appends, or folds and compacts, until it is done, stopped or killed. For tests. */
import { runChild } from '../../processes/child.js';
import { openTableStore } from './embedded.js';
import { type WriterInit, writerFold, writerSchema } from './writer-under-test.js';

runChild<WriterInit>(async ({ directory, work }, child) => {
  const store = openTableStore({ directory, clock: child.clock });
  await store.create('changes', writerSchema);
  await store.create('current', writerSchema);
  if (work === 'tidy') {
    child.ready(null);
    while (!child.signal.aborted) {
      await store.fold(writerFold);
      for (const table of ['changes', 'current']) {
        await store.compact(table, { smallFileBytes: 1e6, targetFileBytes: 1e6 });
      }
      child.report('tidied', null);
    }
  } else {
    // The table itself is the only memory: what it has recorded is never written again, what it has not is.
    const recorded = (await store.txns('changes')).get(work.append) ?? 0;
    child.ready(recorded);
    for (let commit = recorded + 1; commit <= work.commits && !child.signal.aborted; commit++) {
      const columns = {
        writer: new Array(work.rows).fill(work.append),
        commit: new Array(work.rows).fill(commit),
        entity: Array.from({ length: work.rows }, (_, i) => (commit * 31 + i) % (3 * work.rows)),
        op: new Array(work.rows).fill(commit % 5 === 0 ? 'd' : 'u'),
      };
      const txns = [{ appId: work.append, version: commit }];
      const { committed, version } = await store.append('changes', { rows: work.rows, columns }, txns);
      if (!committed) throw new Error(`Commit ${commit} of ${work.append} was there before it was written.`);
      child.report('acknowledged', { commit, version });
    }
  }
  await store.close();
});
