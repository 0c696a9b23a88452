/**
 * What the source does differently for a while. It stands in the trace, so every plane meets the same, and the ledger
 * knows what it must come to. Witnessed by what was acknowledged: it must be nearer to what was asked for than to what
 * the source usually does, so that neither its usual dirt nor its usual load passes for a fault.
 */
import type {
  AcknowledgedChanges,
  AddedDirt,
  Dirt,
  Disturbance,
  Fault,
  FaultKind,
  SourceDirt,
  SpecOf,
  Window,
} from '../harness/fault.js';
import { windowsOf } from './schedule.js';

type DirtFault = Extract<
  FaultKind,
  'duplicate-delivery' | 'reordering' | 'late-events' | 'poison-records' | 'incompatible-schema'
>;

/** `sharesPpm`: so many of all changes are of the kind `dirt`; at least the share `shown` of these can be told from others. */
export function dirtOf<Kind extends DirtFault>(
  about: string,
  dirt: SourceDirt,
  sharesPpm: (spec: SpecOf<Kind>) => Partial<Dirt & AddedDirt>,
  shown = 1,
): Fault<Kind, null> {
  const ofKind = ({ byDirt }: AcknowledgedChanges) => byDirt[dirt];
  return disturbanceOf<Kind>({
    about,
    disturbance: (spec) => ({ dirt: sharesPpm(spec) }),
    amount: (seen) => (seen.changes === 0 ? 0 : ofKind(seen).changes / seen.changes),
    asked: (spec) => (shown * Object.values(sharesPpm(spec)).reduce((sum, ppm) => sum + ppm, 0)) / 1_000_000,
    tell: (seen) => ({
      atUs: ofKind(seen).firstUs,
      saw: `${ofKind(seen).changes} of ${seen.changes} changes (${dirt}) were acknowledged`,
    }),
  });
}

/** `amount` and `asked` are in the same unit. */
export function disturbanceOf<Kind extends DirtFault | 'load-burst'>(options: {
  readonly about: string;
  readonly disturbance: (spec: SpecOf<Kind>) => Omit<Disturbance, 'afterUs' | 'forUs'>;
  /** How much of it there was in a window. */
  readonly amount: (seen: AcknowledgedChanges, window: Window) => number;
  /** How much there should have been, where there usually is so much. */
  readonly asked: (spec: SpecOf<Kind>, usual: number) => number;
  readonly tell: (seen: AcknowledgedChanges, timesUsual: number) => { readonly atUs: number; readonly saw: string };
}): Fault<Kind, null> {
  const { about, disturbance, amount, asked, tell } = options;
  return {
    about,
    supports: () => ({ target: 'source' }),
    schedule: windowsOf,
    disturb: (spec, changes, { atUs, untilUs }: Window) => ({
      ...changes,
      disturbances: [...changes.disturbances, { afterUs: atUs, forUs: untilUs - atUs, ...disturbance(spec) }],
    }),
    inject: async () => null,
    async witness({ spec, source, window }) {
      const record = await source;
      const usual = amount(await record.acknowledged(record.usual), record.usual);
      const acknowledged = await record.acknowledged(window);
      const seen = amount(acknowledged, window);
      const wanted = asked(spec, usual);
      if (!(wanted > usual) || seen < (usual + wanted) / 2) return null;
      return tell(acknowledged, seen / usual);
    },
    heal: async () => {},
  };
}
