/**
 * Connections end late, which roles that keep theirs do not notice until a server goes. Witnessed by a connection of the
 * harness through the same proxy, whose end it waits for.
 */
import type { Fault, InjuredWires, Witness } from '../harness/fault.js';
import { windowsOf } from './schedule.js';
import { linksOf, wireOf } from './wire-fault.js';

interface Harm {
  readonly wires: InjuredWires;
  readonly ended: Promise<Witness | null>;
}

export const wireSlowClose: Fault<'wire-slow-close', Harm> = {
  about: 'the ends of connections to a server arrive late',
  supports: wireOf,
  schedule: windowsOf,
  async inject({ spec, wires, supervisor }) {
    const injured = await wires().inject({ kind: 'slow close', delayUs: spec.delayUs }, linksOf(spec));
    const ended = injured.timeAnEnd().then(({ link, tookUs }) =>
      tookUs < spec.delayUs
        ? null
        : {
            atUs: supervisor.clock.nowUs(),
            saw: `a connection from ${link.client} to ${link.server} ended ${Math.round(tookUs / 1000)} ms after it was closed`,
          },
    );
    ended.catch(() => {}); // thrown to the witness
    return { wires: injured, ended };
  },
  witness: (_, { ended }) => ended,
  heal: (_, { wires }) => wires.heal(),
};
