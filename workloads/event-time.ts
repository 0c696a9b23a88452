/**
 * What time it is, for whoever evaluates rows: his own clock, held against the times of the source. A clock that is wrong
 * must neither serve a row of the future nor let windows open again that had closed.
 *
 * Nothing here can tell a clock that is ahead by less than the tolerance from a source that says nothing for so long:
 * that takes another source of time. So the tolerance is the most by which a served time can be wrong, and the longest
 * silence of the source after which time stands still until it speaks again.
 */
import type { Clock } from '../harness/clock.js';

export interface EventTime {
  /** A moment that has passed: a commit, or an emission. */
  see(timeUs: number): void;
  /** The clock is further ahead of all that was seen than is tolerated: it is wrong, or there is newer to be seen. */
  isInDoubt(): boolean;
  /** Never before what was seen, and never less than before; the clock's time unless that is in doubt. */
  nowUs(): number;
}

export function followEventTime(clock: Pick<Clock, 'nowUs'>, toleranceUs: number): EventTime {
  let seenUs = Number.NEGATIVE_INFINITY;
  let lastUs = Number.NEGATIVE_INFINITY;
  const isAhead = (nowUs: number) => nowUs - seenUs > toleranceUs;
  return {
    see(timeUs) {
      if (timeUs > seenUs) seenUs = timeUs;
    },
    isInDoubt: () => isAhead(clock.nowUs()),
    nowUs() {
      const nowUs = clock.nowUs();
      // Where nothing was ever seen there is no other time.
      const believedUs = isAhead(nowUs) && seenUs !== Number.NEGATIVE_INFINITY ? seenUs : Math.max(nowUs, seenUs);
      lastUs = Math.max(lastUs, believedUs);
      return lastUs;
    },
  };
}
