/**
 * The clock of a role is wrong for a while, forward or back, and then right again: a host without time synchronisation.
 * Only the clock jumps, the time that the role sleeps is real. Witnessed by the role itself, which tells what it reads.
 */
import type { Fault } from '../harness/fault.js';
import { roleOf } from './roles.js';
import { windowsOf } from './schedule.js';

export const clockJump: Fault<'clock-jump', { readonly atUs: number; readonly offUs: number | null }> = {
  about: 'the clock of a role is wrong for a while',
  outlivesRole: true,
  supports: ({ role }, { architecture }) => roleOf(architecture, role),
  schedule: windowsOf,
  async inject({ supervisor, plane, target, spec, window }) {
    const { clock } = supervisor;
    supervisor.shiftClock(target, spec.byUs);
    for (;;) {
      const offUs = await plane.readClockOff(target);
      // One that is just being started again, or stands still, cannot say yet.
      if (offUs !== null || clock.nowUs() >= window.untilUs) return { atUs: clock.nowUs(), offUs };
    }
  },
  async witness({ target, spec }, { atUs, offUs }) {
    const isOff = offUs !== null && Math.abs(offUs - spec.byUs) < Math.abs(spec.byUs) / 2;
    return isOff ? { atUs, saw: `the clock of ${target} was off by ${(offUs / 1e6).toFixed(1)} s` } : null;
  },
  async heal({ supervisor, target }) {
    supervisor.shiftClock(target, 0);
  },
};
