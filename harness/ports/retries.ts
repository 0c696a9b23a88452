/** Port calls that must succeed before a plane can go on: tried until they do, or until the role is stopped. */
import { backoffUs } from '../backoff.js';
import type { Clock } from '../clock.js';
import { CallError, RefusedCall } from '../errors.js';
import type { Random } from '../random.js';

/** Who calls: the context of a role. */
export interface Caller {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Between two attempts; absent: the usual ones. */
  readonly pauses?: Pauses;
}

/** Bounds of the pause after the first failure in a row, and after many. */
export interface Pauses {
  readonly firstUs: number;
  readonly longestUs: number;
}

export const usualPauses: Pauses = { firstUs: 10_000, longestUs: 500_000 };
/** Whoever tries again at once would only spin. */
const leastPauseUs = 1_000;

/** The same caller, who pauses as the parameters of its plane say. */
export function pausing<C extends Omit<Caller, 'pauses'>>(caller: C, pauses: Pauses): C & { readonly pauses: Pauses } {
  return { ...caller, pauses };
}

/** Of a caller that was refused so often in a row. */
export function pauseUs(failures: number, { random, pauses = usualPauses }: Pick<Caller, 'random' | 'pauses'>): number {
  return leastPauseUs + backoffUs(failures, random, pauses);
}

/**
 * Calls until it does not fail, or is refused, which it would be for ever. Only for calls that may take effect twice
 * without harm: reads, puts of newer rows, appends that carry a txn.
 */
export async function untilDone<T>(caller: Caller, call: () => Promise<T>): Promise<T> {
  const { clock, signal } = caller;
  for (let failures = 1; ; failures++) {
    signal.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof CallError) || error instanceof RefusedCall) throw error;
      await clock.sleep(pauseUs(failures, caller), signal);
    }
  }
}
