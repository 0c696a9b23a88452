/** How far a process stands back when the processors are busy: nice(2), for all of it. */
import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';

/**
 * On Linux niceness belongs to a thread, and a process that sets its own sets that of its main thread only: an engine
 * whose work is done on other threads would not stand back at all, and would go before the code that calls it. Threads
 * that are started later have it from those that start them.
 */
export function standBack(niceness: number): void {
  const threads = process.platform === 'linux' ? readdirSync('/proc/self/task').map(Number) : [0];
  for (const thread of threads) {
    try {
      setPriority(thread, niceness);
    } catch (error) {
      // A thread may have ended meanwhile; one that is there can always stand back further.
      if ((error as { info?: { code?: string } }).info?.code !== 'ESRCH') throw error;
    }
  }
}
