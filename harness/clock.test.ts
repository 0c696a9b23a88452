import { expect, it } from 'vitest';
import { systemClock } from './clock.js';

it('a clock that is off still knows the time, before and after it is set', () => {
  const clock = systemClock({ epochUs: 1_000, zeroNs: null, offUs: -3_600_000_000 });
  expect([clock.nowUs(), clock.trueTime.nowUs()]).toEqual([1_000 - 3_600_000_000, 1_000]);
  clock.set({ epochUs: 2_000, zeroNs: null, offUs: 3_600_000_000 });
  expect([clock.nowUs(), clock.trueTime.nowUs()]).toEqual([2_000 + 3_600_000_000, 2_000]);
});
