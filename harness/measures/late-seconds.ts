/**
 * Seconds in which the reader itself was late: what their calls show may be the harness's doing. It sends on its own time and
 * waits for no answer (`../load/reader.ts`): a call that waits for one of many connections has been sent. But answers cost it
 * time. A plane that lets go of a thousand held calls at once keeps it busy for 40 to 80 ms, and so makes it late: what shows
 * without the late calls is judged nevertheless.
 */
import { secondUs } from '../../workloads/durations.js';
import type { RunFacts } from '../record/facts.js';

/** Below this no start error matters; above, it may be a tenth of what it delays. */
export const lateUs = 5_000;
/** As many of a second's calls may miss the SLO of latency. */
const mayBeLate = 0.05;
/** More of a watch may not be left out: of the five seconds that the shortest suites watch, one. */
export const mostUnjudged = 0.2;

export interface Lateness {
  /** The 95th percentile of the start error of the second's calls, of all kinds, is above the limit. */
  isLate(second: number): boolean;
  /** The longest that an answer can have waited for the reader, of those that came in these seconds. */
  worstUs(fromSecond: number, untilSecond: number): number;
}

/** Of whole seconds, one after the other from `fromUs` on. */
export function foldLateness(
  { operations }: Pick<RunFacts, 'operations'>,
  { fromUs, seconds }: { readonly fromUs: number; readonly seconds: number },
): Lateness {
  const calls = new Uint32Array(seconds);
  const late = new Uint32Array(seconds);
  const worst = new Float64Array(seconds);
  for (let i = 0; i < operations.rows; i++) {
    const intendedUs = operations.intendedUs[i] as number;
    const second = Math.floor((intendedUs - fromUs) / secondUs);
    if (second < 0 || second >= seconds) continue;
    const errorUs = (operations.sentUs[i] as number) - intendedUs;
    calls[second] = (calls[second] as number) + 1;
    if (errorUs > lateUs) late[second] = (late[second] as number) + 1;
    worst[second] = Math.max(worst[second] as number, errorUs);
  }
  return {
    isLate: (second) => (late[second] as number) > mayBeLate * (calls[second] as number),
    worstUs: (fromSecond, untilSecond) =>
      untilSecond < seconds ? Math.max(...worst.subarray(fromSecond, untilSecond + 1)) : Number.POSITIVE_INFINITY,
  };
}
