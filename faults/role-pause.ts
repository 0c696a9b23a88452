/**
 * A role stands still (SIGSTOP) and then goes on (SIGCONT), with whatever it believed before: a long collection of
 * garbage, a frozen container, a laptop that was closed. Witnessed by its state, as the operating system tells it.
 */
import type { Fault, Witness } from '../harness/fault.js';
import { roleOf } from './roles.js';
import { windowsOf } from './schedule.js';

/** From the signal to the state. */
const stopsWithinUs = 2_000_000;
const lookEveryUs = 2_000;

export const rolePause: Fault<'role-pause', Witness | null> = {
  about: 'a role stands still for a while (SIGSTOP, then SIGCONT)',
  supports: ({ role }, { architecture }) => roleOf(architecture, role),
  schedule: windowsOf,
  async inject({ supervisor, target }) {
    const { clock } = supervisor;
    const untilUs = clock.nowUs() + stopsWithinUs;
    while (clock.nowUs() < untilUs) {
      // Again each time: it may just be started again, after another fault.
      supervisor.pause(target);
      if (await supervisor.isPaused(target)) return { atUs: clock.nowUs(), saw: `${target} stood still` };
      await clock.sleep(lookEveryUs);
    }
    return null;
  },
  witness: async (_, stopped) => stopped,
  async heal({ supervisor, target }) {
    supervisor.resume(target);
  },
};
