/** Who goes before whom when the processors are busy. */
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { constants, getPriority, setPriority } from 'node:os';
import { promisify } from 'node:util';
import type { Priority } from '../architecture.js';
import { hostClock } from '../clock.js';

/** Of the processes of a plane their priority; `load`: those who keep the time of the load, before all of a plane. */
export type Precedence = 'load' | Priority;

/**
 * All that belongs to a plane stands back behind the load generators, by the same amount in every arm: a user's request does
 * not arrive later because a plane is busy, and on two cores it otherwise would. Within a plane what users wait for goes
 * first and what can wait last, as an orchestrator does it by reserved and by smaller shares of the processor.
 */
export const nicenessOf: Readonly<Record<Precedence, number>> = { load: 0, high: 5, normal: 10, low: 15 };
const lowestNiceness = constants.priority.PRIORITY_LOW;

/** How often a process that answers looks for threads that it has started since. */
const standBackEveryUs = 1_000_000;

/** Called once, before the process does anything else. */
export async function takePrecedence(precedence: Precedence): Promise<void> {
  const niceness = Math.min(lowestNiceness, getPriority() + nicenessOf[precedence]);
  await standBack(niceness);
  if (precedence === 'load') await setRealTime(['--all-tasks', '--rr', '--pid', '2', String(process.pid)]);
  if (precedence !== 'high') return;
  if (!(await goBeforeFair(process.pid, 'all threads'))) return;
  // What a real-time thread starts begins at niceness 0 (SCHED_RESET_ON_FORK, sched(7)): before all that is fair.
  void keepBack(niceness);
}

async function keepBack(niceness: number): Promise<never> {
  for (;;) {
    await hostClock.sleep(standBackEveryUs);
    await standBack(niceness).catch(() => {});
  }
}

/**
 * Those who keep the time of the load, and who answer users, take a real-time priority (SCHED_RR, sched(7)) on Linux, the
 * former the higher one. Under the fair scheduler who wakes up waits until another's slice is over, 3 ms and more, whatever
 * its niceness: calls would start late by that, and answers be late by it, once on each way. Threads that a process of the
 * load starts later have it, too. Those of a process that answers have not: an engine that it calls would otherwise hold up
 * its answers, by the slices of 100 ms that equal real-time priorities take in turn.
 *
 * False where there is no chrt(1), or where the load itself may not (CAP_SYS_NICE, RLIMIT_RTPRIO); nothing is changed then:
 * nobody of a plane goes before the load.
 */
export async function goBeforeFair(pid: number, which: 'all threads' | 'main thread'): Promise<boolean> {
  const all = which === 'all threads' ? ['--all-tasks'] : [];
  return (await mayGoFirst()) && setRealTime([...all, '--reset-on-fork', '--rr', '--pid', '1', String(pid)]);
}

/** Whether real-time priorities are permitted here, those of the load too. */
export async function mayGoFirst(): Promise<boolean> {
  return setRealTime(['--rr', '2', 'true']);
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
 * All of the process, nice(2), further back than who started it. On Linux niceness belongs to a thread, and a process that
 * sets its own sets that of its main thread only: an engine whose work is done on other threads would not stand back at all,
 * and would go before the code that calls it. Threads that a fair one starts later have its niceness.
 */
async function standBack(niceness: number): Promise<void> {
  // Read by the pool of threads that files are read by, so that it is there and is among them.
  const threads = process.platform === 'linux' ? (await readdir('/proc/self/task')).map(Number) : [0];
  for (const thread of threads) {
    try {
      setPriority(thread, niceness);
    } catch (error) {
      // A thread may have ended meanwhile.
      if ((error as { info?: { code?: string } }).info?.code !== 'ESRCH') throw error;
    }
  }
}
