/**
 * A server of the stack stands still (SIGSTOP; a container is paused) and then goes on, with all its connections: nobody
 * is refused, and nobody is answered. Witnessed by its state, as the operating system or the container runtime tells it.
 */
import type { Fault, PortName, Witness } from '../harness/fault.js';
import { windowsOf } from './schedule.js';
import { serverOf } from './servers.js';

export const serverPause: Fault<'server-pause', Witness | null> = {
  about: 'a server stands still for a while (SIGSTOP, then SIGCONT)',
  supports: serverOf,
  schedule: windowsOf,
  inject: async ({ servers, target }) => (await servers[target as PortName]?.pause?.()) ?? null,
  witness: async (_, stopped) => stopped,
  heal: async ({ servers, target }) => servers[target as PortName]?.resume?.(),
};
