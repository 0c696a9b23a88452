/** Who goes before whom when the processors are busy. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';
import { promisify } from 'node:util';

/** `first`: before all others, where the system permits it. */
export type Precedence = 'first' | { readonly niceness: number };

export async function takePrecedence(precedence: Precedence): Promise<void> {
  if (precedence === 'first') await goFirst();
  else if (precedence.niceness > 0) standBack(precedence.niceness);
}

/**
 * Those who keep the time of the load take the lowest real-time priority (SCHED_RR, sched(7)) on Linux. Under the fair
 * scheduler who wakes up waits until another's slice is over, 3 ms and more, whatever its niceness: calls would start late
 * by that, and answers be late by it. Threads that are started later have it from those that start them.
 *
 * False where there is no chrt(1) or it is not permitted (CAP_SYS_NICE, RLIMIT_RTPRIO); nothing is changed then.
 */
async function goFirst(): Promise<boolean> {
  return setRealTime(['--all-tasks', '--rr', '--pid', '1', String(process.pid)]);
}

/** Whether `goFirst` would do it here. */
export async function mayGoFirst(): Promise<boolean> {
  return setRealTime(['--rr', '1', 'true']);
}

async function setRealTime(args: readonly string[]): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  try {
    await promisify(execFile)('chrt', args);
    return true;
  } catch {
    return false;
  }
}

/**
 * How far a process stands back: nice(2), for all of it. On Linux niceness belongs to a thread, and a process that sets
 * its own sets that of its main thread only: an engine whose work is done on other threads would not stand back at all,
 * and would go before the code that calls it. Threads that are started later have it from those that start them.
 */
function standBack(niceness: number): void {
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
