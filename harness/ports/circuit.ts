/**
 * A circuit breaker (Nygard, "Release It!", 2nd edition, 2018, chapter 5): while a server is known to be gone its callers
 * hear so at once, instead of queueing behind calls that nobody answers. One call at a time finds out whether it is back,
 * after pauses as those of `untilDone`.
 */
import { withDeadline } from '../clock.js';
import { CallError } from '../errors.js';
import { type Caller, pauseUs } from './retries.js';

export interface Circuit {
  /** What `call` answers; rejects with CallError when it fails, when its time is over, and at once while the circuit is open. */
  run<T>(call: () => Promise<T>): Promise<T>;
}

export function createCircuit(
  caller: Pick<Caller, 'clock' | 'random' | 'pauses'>,
  options: {
    /** Who is called, for the reader of an error. */
    readonly server: string;
    readonly timeoutUs: number;
    /** Of calls in a row: one that fails says little of those that follow. */
    readonly failuresUntilOpen: number;
  },
): Circuit {
  const { clock } = caller;
  const { server, timeoutUs, failuresUntilOpen } = options;
  let failuresInARow = 0;
  let isOpen = false;
  let cancelClosing = () => {};
  const late = () => new CallError('indeterminate', `${server}: no answer within ${timeoutUs / 1000} ms`);

  function fail(): void {
    failuresInARow++;
    if (failuresInARow < failuresUntilOpen) return;
    isOpen = true;
    cancelClosing();
    cancelClosing = clock.after(pauseUs(1 + failuresInARow - failuresUntilOpen, caller), () => {
      isOpen = false;
    });
  }

  return {
    async run(call) {
      if (isOpen)
        throw new CallError('failed', `${server} did not answer ${failuresInARow} times in a row; it was not asked`);
      // Whoever comes while it is being found out does not ask as well.
      const isProbe = failuresInARow >= failuresUntilOpen;
      if (isProbe) isOpen = true;
      try {
        const answer = await withDeadline(clock, timeoutUs, call(), late);
        failuresInARow = 0;
        cancelClosing();
        isOpen = false;
        return answer;
      } catch (error) {
        // What was asked before the circuit opened, and fails now, is no news.
        if (error instanceof CallError && (isProbe || !isOpen)) fail();
        else if (isProbe) isOpen = false;
        throw error;
      }
    },
  };
}
