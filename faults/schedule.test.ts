import fc from 'fast-check';
import { expect, it } from 'vitest';
import { UsageError } from '../harness/errors.js';
import { seededRandom } from '../harness/random.js';
import type { FaultPlan, Scenario, Schedule } from '../harness/scenario.js';
import { windowsOf } from './schedule.js';

const scenario = (faultUs: number) =>
  ({
    epochUs: 1_000_000,
    phases: { warmUpUs: 500, measureUs: 2_500, faultUs, drainUs: 0 },
    slo: { freshnessUs: 300, holdUs: 100 },
    restartDelayUs: 100,
  }) as Scenario;
const fromUs = 1_003_000;

const pause = (schedule: Schedule, lastsUs: number): FaultPlan => ({ kind: 'role-pause', lastsUs, schedule });
const windows = (plan: FaultPlan, faultUs: number, seed = 1) => windowsOf(plan, scenario(faultUs), seededRandom(seed));

const us = fc.integer({ min: 0, max: 20_000 });
const schedules = fc.oneof(
  fc.record({ kind: fc.constant('every' as const), afterUs: us, everyUs: us, jitterUs: us }),
  fc.record({ kind: fc.constant('random' as const), afterUs: us, count: fc.integer({ min: -1, max: 12 }) }),
);

it('strikes apart from each other and within the fault phase, or says why it cannot', () => {
  const met = { some: 0, refused: 0 };
  fc.assert(
    fc.property(schedules, us, us, fc.nat(9), (schedule, lastsUs, faultUs, seed) => {
      let found: ReturnType<typeof windows>;
      try {
        found = windows(pause(schedule, lastsUs), faultUs, seed);
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError);
        met.refused++;
        return;
      }
      met.some++;
      expect(found.length).toBeGreaterThan(0);
      let beforeUs = fromUs + schedule.afterUs;
      for (const { atUs, untilUs } of found) {
        expect(atUs).toBeGreaterThanOrEqual(beforeUs);
        expect(untilUs - atUs).toBe(lastsUs);
        beforeUs = untilUs;
      }
      expect(beforeUs).toBeLessThanOrEqual(fromUs + faultUs);
      expect(windows(pause(schedule, lastsUs), faultUs, seed), 'the same seed').toEqual(found);
    }),
    { numRuns: 2_000 },
  );
  expect(met.some).toBeGreaterThan(100);
  expect(met.refused).toBeGreaterThan(100);
});

it('strikes once at a moment drawn from the jitter, and ends with the load', () => {
  const once = (seed: number) => windows(pause({ kind: 'once', afterUs: 100, jitterUs: 50 }, 500), 400, seed);
  const moments = new Set<number>();
  for (let seed = 0; seed < 300; seed++) {
    const [window, ...others] = once(seed);
    expect(others).toEqual([]);
    expect(window?.untilUs).toBe(fromUs + 400);
    moments.add((window?.atUs ?? 0) - fromUs);
  }
  expect([Math.min(...moments), Math.max(...moments)]).toEqual([100, 149]);
});

it('strikes every so often as long as there is time to see what became of it', () => {
  const every = windows(pause({ kind: 'every', afterUs: 0, everyUs: 1_000, jitterUs: 0 }, 200), 3_699);
  expect(every.map(({ atUs }) => atUs - fromUs)).toEqual([0, 1_000, 2_000]);
  expect(windows(pause({ kind: 'every', afterUs: 0, everyUs: 1_000, jitterUs: 0 }, 200), 3_700)).toHaveLength(4);
});

it('a fault without a length is over at once', () => {
  const crash: FaultPlan = { kind: 'role-crash', schedule: { kind: 'random', afterUs: 0, count: 3 } };
  for (const { atUs, untilUs } of windows(crash, 3_000)) expect(untilUs).toBe(atUs);
});

it.each([
  [
    { kind: 'every', afterUs: 0, everyUs: 0, jitterUs: 0 },
    0,
    'role-pause cannot strike every 0 s: one takes up to 0 s',
  ],
  [
    { kind: 'every', afterUs: 0, everyUs: 1_999_999, jitterUs: 1_000_000 },
    1_000_000,
    'role-pause cannot strike every 1.999999 s: one takes up to 2 s',
  ],
  [
    { kind: 'every', afterUs: 9_500_000, everyUs: 2_000_000, jitterUs: 0 },
    1_000_000,
    'role-pause cannot strike after 9.5 s: one lasts 1 s, and there are 10 s',
  ],
  [
    { kind: 'random', afterUs: 4_000_000, count: 3 },
    2_000_001,
    'role-pause cannot strike 3 times: one lasts 2.000001 s',
  ],
  [{ kind: 'random', afterUs: 11_000_000, count: 1 }, 0, 'and there are -1 s'],
  [{ kind: 'random', afterUs: 0, count: 0 }, 0, 'role-pause cannot strike 0 times'],
] as const)('refuses %o', (schedule, lastsUs, message) => {
  expect(() => windows(pause(schedule, lastsUs), 10_000_000)).toThrow(UsageError);
  expect(() => windows(pause(schedule, lastsUs), 10_000_000)).toThrow(message);
});
