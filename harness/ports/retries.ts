/** Port calls that must succeed before a plane can go on: tried until they do, or until the role is stopped. */
import { backoffUs } from '../backoff.js';
import type { Clock } from '../clock.js';
import { CallError } from '../errors.js';
import type { Random } from '../random.js';

/** Who calls: the context of a role. */
export interface Caller {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

const pauses = { firstUs: 10_000, longestUs: 500_000 };
/** Whoever tries again at once would only spin. */
const leastPauseUs = 1_000;

/** Of a caller that was refused so often in a row. */
export function pauseUs(failures: number, random: Random): number {
  return leastPauseUs + backoffUs(failures, random, pauses);
}

/**
 * Calls until it does not fail. Only for calls that may take effect twice without harm: reads, puts of newer rows,
 * appends that carry a txn.
 */
export async function untilDone<T>({ clock, random, signal }: Caller, call: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures++) {
    signal.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      await clock.sleep(pauseUs(failures, random), signal);
    }
  }
}
