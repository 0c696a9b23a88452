/**
 * What the source does differently for a while. It stands in the trace, so every plane meets the same, and the ledger
 * knows what it must come to. Witnessed by the changes of that kind whose append was acknowledged.
 */
import type { Disturbance, Fault, FaultKind, SourceRecord, SpecOf, Window } from '../harness/fault.js';
import { windowsOf } from './schedule.js';

type SourceFault = Extract<
  FaultKind,
  'duplicate-delivery' | 'reordering' | 'late-events' | 'poison-records' | 'incompatible-schema' | 'load-burst'
>;

export function disturbanceOf<Kind extends SourceFault>(
  about: string,
  kind: Parameters<SourceRecord['acknowledged']>[0],
  disturbance: (spec: SpecOf<Kind>) => Omit<Disturbance, 'afterUs' | 'forUs'>,
): Fault<Kind, null> {
  return {
    about,
    supports: () => ({ target: 'source' }),
    schedule: windowsOf,
    disturb: (spec, changes, { atUs, untilUs }: Window) => ({
      ...changes,
      disturbances: [...changes.disturbances, { afterUs: atUs, forUs: untilUs - atUs, ...disturbance(spec) }],
    }),
    inject: async () => null,
    async witness({ source, window }) {
      const { changes, firstUs } = await (await source).acknowledged(kind, window);
      if (changes === 0) return null;
      return { atUs: firstUs, saw: `${changes} changes${kind === 'all' ? '' : ` (${kind})`} were acknowledged` };
    },
    heal: async () => {},
  };
}
