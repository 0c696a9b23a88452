/** What the source does at a moment: its rate and its dirt, with the bursts and disturbances that last then. */
import type { AddedDirt, ChangeWorkload, Dirt } from '../workload.js';

export interface Regime {
  readonly perSecond: number;
  readonly dirt: Dirt & AddedDirt;
}

interface Lasting {
  readonly afterUs: number;
  readonly forUs: number;
}

/** Of bursts the last in the list sets the rate; disturbances multiply it, and the last in the list sets a share. */
export function regimeAt({ perSecond, dirt, bursts, disturbances }: ChangeWorkload, sinceStartUs: number): Regime {
  const lasts = ({ afterUs, forUs }: Lasting) => sinceStartUs >= afterUs && sinceStartUs < afterUs + forUs;
  const burst = bursts.findLast(lasts);
  let rate = burst ? perSecond * burst.times : perSecond;
  let shares = { ...dirt, poisonPpm: 0, incompatiblePpm: 0 };
  for (const disturbance of disturbances) {
    if (!lasts(disturbance)) continue;
    rate *= disturbance.times ?? 1;
    shares = { ...shares, ...disturbance.dirt };
  }
  return { perSecond: rate, dirt: shares };
}

/** Every regime that there will be, each once or more. */
export function regimesOf(changes: ChangeWorkload): Regime[] {
  const { bursts, disturbances } = changes;
  const borders = [...bursts, ...disturbances].flatMap(({ afterUs, forUs }) => [afterUs, afterUs + forUs]);
  return [0, ...borders].map((sinceStartUs) => regimeAt(changes, sinceStartUs));
}

/** Of a million changes. */
export function dirtyPpm({ dirt }: Regime): number {
  return Object.values(dirt).reduce((sum, ppm) => sum + ppm, 0);
}
