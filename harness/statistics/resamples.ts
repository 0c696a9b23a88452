/** Bootstrap resamples of runs, drawn once and shared by every figure, so that figures do not depend on their order. */
import type { Random } from '../random.js';

export interface Resamples {
  readonly runs: number;
  readonly count: number;
  /** Row-major: how often resample b counts run k. Every row sums to `runs`. */
  readonly weights: Uint8Array;
}

export function drawResamples(runs: number, count: number, random: Random): Resamples {
  if (runs > 255) throw new RangeError(`resamples: at most 255 runs have weights of one byte, got ${runs}`);
  const weights = new Uint8Array(runs * count);
  for (let b = 0; b < count; b++) {
    for (let draw = 0; draw < runs; draw++) {
      const at = b * runs + random.below(runs);
      weights[at] = (weights[at] as number) + 1;
    }
  }
  return { runs, count, weights };
}
