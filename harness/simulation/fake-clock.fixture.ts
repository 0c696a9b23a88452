/** For tests of what waits by a clock: the smallest one whose time is no time. */
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../clock.js';

export interface FakeClock {
  readonly clock: Clock;
  /** Goes on from timer to timer, each when nothing else can go on, until none is left. */
  run(): Promise<void>;
}

export function fakeClock(startUs: number): FakeClock {
  let timers: { readonly atUs: number; readonly callback: () => void }[] = [];
  let now = startUs;
  const after: Clock['after'] = (durationUs, callback) => {
    const timer = { atUs: now + durationUs, callback };
    timers.push(timer);
    return () => {
      timers = timers.filter((other) => other !== timer);
    };
  };
  const sleepUntil = async (timeUs: number) => {
    if (timeUs > now) await new Promise<void>((resolve) => after(timeUs - now, resolve));
  };
  return {
    clock: { nowUs: () => now, after, sleep: (durationUs) => sleepUntil(now + durationUs), sleepUntil },
    async run() {
      for (;;) {
        await setImmediate();
        const next = timers.reduce((first, timer) => (timer.atUs < first.atUs ? timer : first), timers[0]!);
        if (!next) return;
        timers = timers.filter((other) => other !== next);
        now = next.atUs;
        next.callback();
      }
    },
  };
}
