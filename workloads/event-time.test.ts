import { describe, expect, it } from 'vitest';
import { followEventTime } from './event-time.js';

function world() {
  const clock = { us: 1_000, nowUs: () => clock.us };
  return { clock, time: followEventTime(clock, 100) };
}

describe('event time', () => {
  it('is the clock where nothing was seen, which leaves it in doubt', () => {
    const { time } = world();
    expect(time.isInDoubt()).toBe(true);
    expect(time.nowUs()).toBe(1_000);
  });

  it('follows the clock while that is no further ahead than is tolerated', () => {
    const { clock, time } = world();
    time.see(950);
    expect([time.isInDoubt(), time.nowUs()]).toEqual([false, 1_000]);
    clock.us = 1_050;
    expect([time.isInDoubt(), time.nowUs()]).toEqual([false, 1_050]);
  });

  it('stands still while the clock is ahead, moves with what is seen, and trusts the clock again when it is right', () => {
    const { clock, time } = world();
    time.see(1_000);
    expect(time.nowUs()).toBe(1_000);
    clock.us = 9_000;
    expect([time.isInDoubt(), time.nowUs()]).toEqual([true, 1_000]);
    time.see(1_060);
    expect([time.isInDoubt(), time.nowUs()]).toEqual([true, 1_060]);
    clock.us = 1_070;
    expect([time.isInDoubt(), time.nowUs()]).toEqual([false, 1_070]);
  });

  it('never goes back with the clock, and is never before what was seen', () => {
    const { clock, time } = world();
    time.see(1_000);
    expect(time.nowUs()).toBe(1_000);
    clock.us = 10;
    expect([time.isInDoubt(), time.nowUs()]).toEqual([false, 1_000]);
    time.see(1_020);
    expect(time.nowUs()).toBe(1_020);
    time.see(900);
    expect(time.nowUs()).toBe(1_020);
  });
});
