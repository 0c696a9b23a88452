/** Port calls that must succeed before a plane can go on: tried until they do, or until the role is stopped. */
import type { Clock } from '../clock.js';
import { CallError } from '../errors.js';
import type { Random } from '../random.js';

/** Who calls: the context of a role. */
export interface Caller {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

export const firstPauseUs = 10_000;
export const longestPauseUs = 500_000;

/**
 * Calls until it does not fail. Only for calls that may take effect twice without harm: reads, puts of newer rows,
 * appends that carry a txn. Pauses double up to a cap, with full jitter, so that the roles of a plane do not come back
 * in step (Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015).
 */
export async function untilDone<T>({ clock, random, signal }: Caller, call: () => Promise<T>): Promise<T> {
  for (let pauseUs = firstPauseUs; ; pauseUs = Math.min(2 * pauseUs, longestPauseUs)) {
    signal.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      await clock.sleep(1_000 + random.below(pauseUs), signal);
    }
  }
}
