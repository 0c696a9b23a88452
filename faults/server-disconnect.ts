/**
 * A server of the stack runs, and its container is on no network: its connections end, and new ones are refused. It keeps
 * what it holds in memory, and is reached where it was when it is back. Witnessed by the container runtime.
 */
import type { Fault, PortName, Witness } from '../harness/fault.js';
import { windowsOf } from './schedule.js';
import { serverOf } from './servers.js';

export const serverDisconnect: Fault<'server-disconnect', Witness | null> = {
  about: 'the container of a server is off the network for a while',
  supports(spec, where) {
    const struck = serverOf(spec, where);
    if ('notApplicable' in struck || where.forms[spec.port] === 'container') return struck;
    return { notApplicable: 'its server has no network of its own; those of the stack docker have' };
  },
  schedule: windowsOf,
  inject: async ({ servers, target }) => (await servers[target as PortName]?.cutOff?.()) ?? null,
  witness: async (_, gone) => gone,
  heal: async ({ servers, target }) => servers[target as PortName]?.rejoin?.(),
};
