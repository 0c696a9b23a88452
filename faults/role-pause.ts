/**
 * A role stands still (SIGSTOP) and then goes on (SIGCONT), with whatever it believed before: a long collection of
 * garbage, a frozen container, a laptop that was closed. Witnessed by its state, as the operating system tells it.
 */
import { type Fault, standStill, type Witness } from '../harness/fault.js';
import { roleOf } from './roles.js';
import { windowsOf } from './schedule.js';

export const rolePause: Fault<'role-pause', Witness | null> = {
  about: 'a role stands still for a while (SIGSTOP, then SIGCONT)',
  supports: ({ role }, { architecture }) => roleOf(architecture, role),
  schedule: windowsOf,
  async inject({ supervisor, target }) {
    const atUs = await standStill(supervisor, target);
    return atUs === null ? null : { atUs, saw: `${target} stood still` };
  },
  witness: async (_, stopped) => stopped,
  async heal({ supervisor, target }) {
    supervisor.resume(target);
  },
};
