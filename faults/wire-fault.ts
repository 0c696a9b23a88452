/**
 * What befalls the wire between roles and the server behind a port: a fault of the proxy that stands there. The role that
 * first had no answer in time, or lost its connection, is the witness.
 */
import type { Fault, FaultKind, InjuredPlane, InjuredWires, SpecOf, WireFault } from '../harness/fault.js';
import { usedPort } from './port-injury.js';
import { roleOf } from './roles.js';
import { windowsOf } from './schedule.js';

type OnTheWire = Extract<FaultKind, `wire-${string}` | 'partition'>;
/** What they have in common. */
type Aim = Pick<SpecOf<'partition'>, 'port' | 'role'>;
export interface WireHarm {
  readonly seen: InjuredPlane;
  readonly wires: InjuredWires;
}

/** Longer than any call of an embedded plane usually takes; a call that waits as long has met something. */
export const unansweredUs = 500_000;

/** `slowUs`: a call that takes as long has met it. */
export function onWire<Kind extends OnTheWire>(
  about: string,
  faultOf: (spec: SpecOf<Kind>) => WireFault,
  slowUs: (spec: SpecOf<Kind>) => number,
): Fault<Kind, WireHarm, InjuredPlane> {
  return {
    about,
    supports: wireOf,
    schedule: windowsOf,
    // The roles look out before there is anything to see: of a call that began before, too, they tell that it waits.
    arm({ spec, plane, window }) {
      const { port, role }: Aim = spec as SpecOf<OnTheWire>;
      const aim = role === undefined ? {} : { role };
      return plane.injure(port, { kind: 'outside', fromUs: window.atUs, slowUs: slowUs(spec), ...aim });
    },
    async inject({ spec, wires }, seen) {
      return { seen, wires: await wires().inject(faultOf(spec), linksOf(spec as SpecOf<OnTheWire>)) };
    },
    witness: async (_, { seen }) => seen.firstStruck(),
    async heal(_, { seen, wires }) {
      await wires.heal();
      seen.heal();
    },
  };
}

/** Of all roles, or of one. */
export function linksOf({ port, role }: Aim): { readonly server: string; readonly client?: string } {
  return { server: port, ...(role !== undefined && { client: role }) };
}

export const wireOf: Fault<OnTheWire>['supports'] = ({ port, role }, { architecture, proxies }) => {
  if (!proxies)
    return {
      notApplicable: 'there are no proxies in the links of this stack; those of native and docker can have them',
    };
  const server = usedPort(architecture, [port]);
  if (role === undefined || 'notApplicable' in server) return server;
  const client = roleOf(architecture, role);
  return 'target' in client ? { target: `${client.target} to ${server.target}` } : client;
};
