/**
 * A role dies as a process dies: SIGKILL, no goodbye. Witnessed by the operating system's own word, the exit by that very
 * signal. The supervisor starts it again after the restart delay, as an orchestrator would: there is nothing to heal.
 */
import type { Fault, Witness } from '../harness/fault.js';
import { roleOf } from './roles.js';
import { windowsOf } from './schedule.js';

export const roleCrash: Fault<'role-crash', Witness | null> = {
  about: 'a role is killed (SIGKILL)',
  supports: ({ role }, { architecture }) => roleOf(architecture, role),
  schedule: windowsOf,
  async inject({ supervisor, target }) {
    const { exit, atUs } = await supervisor.kill(target);
    return exit?.signal === 'SIGKILL' ? { atUs, saw: `${target} was gone, by SIGKILL` } : null;
  },
  witness: async (_, gone) => gone,
  heal: async () => {},
};
