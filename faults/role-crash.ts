/**
 * The ingesting role, or the one that the scenario names, dies as a process dies: SIGKILL, no goodbye. Witnessed by the operating system's own word, the
 * exit by that very signal. Healed by the supervisor, which starts the role again after the restart delay.
 */
import type { Injector } from '../harness/fault.js';

export const injectRoleCrash: Injector = async ({ supervisor, architecture, atUs, untilUs, ...chosen }) => {
  const { clock } = supervisor;
  const role = chosen.role ?? architecture.roles.find(({ ingests }) => ingests)?.name;
  const unhurt = {
    kind: 'role-crash',
    scheduledUs: atUs,
    witnessedUs: null,
    restartedUs: null,
    readyUs: null,
  } as const;
  await clock.sleepUntil(atUs);
  if (role === undefined) return { ...unhurt, role: '', injectedUs: clock.nowUs() };
  const since = supervisor.eventCount();
  const injectedUs = clock.nowUs();
  const { exit, atUs: goneUs } = await supervisor.kill(role);
  if (exit?.signal !== 'SIGKILL') return { ...unhurt, role, injectedUs };
  const leftUs = () => Math.max(0, untilUs - clock.nowUs());
  const restarted = await supervisor.waitFor(role, 'started', since, leftUs());
  const ready = await supervisor.waitFor(role, 'ready', since, leftUs());
  return {
    ...unhurt,
    role,
    injectedUs,
    witnessedUs: goneUs,
    restartedUs: restarted?.atUs ?? null,
    readyUs: ready?.atUs ?? null,
  };
};
