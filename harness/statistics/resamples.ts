/**
 * Bootstrap resamples of runs, drawn once and shared by every figure: no figure depends on which others were asked for.
 *
 * A figure is a function of how often each run counts, and most of the weights that a studentised bootstrap needs (each
 * resample whole, and without one copy of each of its runs) occur in many resamples. So the distinct weights are listed
 * once, sorted, and a figure is evaluated once for each: neighbours in the list differ little, which searches exploit.
 */
import type { Random } from '../random.js';

export interface Resamples {
  readonly runs: number;
  readonly count: number;
  /** Distinct weights, row-major: row v counts run k `weights[v * runs + k]` times. */
  readonly weights: Uint8Array;
  /** Row of `weights` of each resample. */
  readonly whole: Uint32Array;
  /** Row-major by resample: the row of `weights` without one copy of run k; meaningless where run k is not drawn. */
  readonly without: Uint32Array;
}

/** A run counts as often as a byte can tell. With more runs a bootstrap has nothing to add to their t-interval. */
export const mostResampled = 255;

export function drawResamples(runs: number, count: number, random: Random): Resamples {
  if (runs < 2 || runs > mostResampled)
    throw new RangeError(`resamples: expected 2 to ${mostResampled} runs, got ${runs}`);
  const drawn = Array.from({ length: count }, () => {
    const weights = new Uint8Array(runs);
    for (let draw = 0; draw < runs; draw++) {
      const run = random.below(runs);
      weights[run] = (weights[run] as number) + 1;
    }
    return weights;
  });

  const row = new Map<string, number>();
  for (const weights of drawn) {
    row.set(keyOf(weights), 0);
    for (const [, less] of lessOne(weights)) row.set(less, 0);
  }
  const keys = [...row.keys()].sort();
  const distinct = new Uint8Array(keys.length * runs);
  for (const [v, key] of keys.entries()) {
    row.set(key, v);
    for (let k = 0; k < runs; k++) distinct[v * runs + k] = key.charCodeAt(k);
  }

  const without = new Uint32Array(count * runs);
  for (const [b, weights] of drawn.entries()) {
    for (const [k, less] of lessOne(weights)) without[b * runs + k] = row.get(less) as number;
  }
  const whole = Uint32Array.from(drawn, (weights) => row.get(keyOf(weights)) as number);
  return { runs, count, weights: distinct, whole, without };
}

function keyOf(weights: Uint8Array): string {
  return String.fromCharCode(...weights);
}

/** Each drawn run with the key of the weights that count it once less. */
function* lessOne(weights: Uint8Array): Generator<[number, string]> {
  for (let k = 0; k < weights.length; k++) {
    if (weights[k] === 0) continue;
    weights[k] = (weights[k] as number) - 1;
    yield [k, keyOf(weights)];
    weights[k] = (weights[k] as number) + 1;
  }
}
