/**
 * What befalls the calls of a plane to one of its ports. The harness's own source is not touched. Witnessed by the first
 * call that was hurt, as the role tells it that made the call.
 */
import type {
  ArchitectureDescription,
  Fault,
  FaultKind,
  InjuredPlane,
  PortInjury,
  PortName,
  SpecOf,
  Support,
} from '../harness/fault.js';
import { windowsOf } from './schedule.js';

type PortFault = Extract<FaultKind, 'slow-port' | 'failing-port' | 'full-disk'>;

/** `candidates`: the first of them that the plane uses is struck. */
export function injuryAt<Kind extends PortFault>(
  about: string,
  candidates: (spec: SpecOf<Kind>) => readonly PortName[],
  injuryOf: (spec: SpecOf<Kind>) => PortInjury,
): Fault<Kind, InjuredPlane> {
  return {
    about,
    supports: (spec, { architecture }) => usedPort(architecture, candidates(spec)),
    schedule: windowsOf,
    inject: async ({ plane, spec, target }) => plane.injure(target as PortName, injuryOf(spec)),
    witness: async (_, injured) => injured.firstStruck(),
    heal: async (_, injured) => injured.heal(),
  };
}

export function usedPort({ uses }: ArchitectureDescription, candidates: readonly PortName[]): Support {
  const port = candidates.find((name) => uses.includes(name));
  return port ? { target: port } : { notApplicable: `the plane does not use ${candidates.join(' or ')}` };
}
