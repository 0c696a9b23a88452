/**
 * A server of the stack is gone for a while: it is killed, and started again at the end with what it had made durable.
 * Where a port has no server of its own (tables on a local disk), nobody answers at the port instead. Witnessed by the
 * server's exit, or by the first call that found nobody.
 */
import type { Fault, FaultKind, InjuredPlane, PortName, Witness } from '../harness/fault.js';
import { usedPort } from './port-injury.js';
import { windowsOf } from './schedule.js';

type OutageKind = Extract<FaultKind, `${string}-outage`>;
type Outage =
  | { readonly kind: 'server'; readonly gone: Witness }
  | { readonly kind: 'port'; readonly injured: InjuredPlane };

/** `candidates`: the first of them that the plane uses is struck. */
export function outageOf<Kind extends OutageKind>(about: string, candidates: readonly PortName[]): Fault<Kind, Outage> {
  return {
    about,
    supports(_, { lent, architecture }) {
      const struck = usedPort(architecture, candidates);
      return lent && 'target' in struck && struck.target !== 'warehouse'
        ? { notApplicable: 'its server is yours, and not ours to stop' }
        : struck;
    },
    schedule: windowsOf,
    async inject({ servers, plane, target }): Promise<Outage> {
      const port = target as PortName;
      const server = servers[port];
      if (server) return { kind: 'server', gone: await server.takeDown() };
      return { kind: 'port', injured: plane.injure(port, { kind: 'down' }) };
    },
    witness: async (_, harm) => (harm.kind === 'server' ? harm.gone : harm.injured.firstStruck()),
    async heal({ servers, target }, harm) {
      if (harm.kind === 'server') await servers[target as PortName]?.bringUp();
      else harm.injured.heal();
    },
  };
}
