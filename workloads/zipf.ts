/**
 * Integers drawn by Zipf's law: rank r (from 1) has the weight r^-s. The tables are built from operations that IEEE 754
 * defines exactly (+ - * / and square root), so that a seed draws the same on every machine; `Math.pow` is not among
 * them. Drawing is Walker's alias method as M. D. Vose builds it (IEEE Trans. Software Eng. 17(9), 1991): two random
 * integers and one comparison, whatever the number of ranks.
 */
import type { Random } from '../harness/random.js';

/** Draws a rank in [0, count). */
export type RankSampler = (random: Random) => number;

const weightOne = 0x1_0000_0000;
const word = 0x1_0000_0000;

export function zipfSampler(count: number, zipfMilli: number): RankSampler {
  const { keep, alias } = aliasTable(zipfWeights(count, zipfMilli));
  return (random) => {
    const i = random.below(count);
    return random.bits() >>> 0 < (keep[i] as number) ? i : (alias[i] as number);
  };
}

/** Integer weights of ranks 1 to `count`: 2^32 r^-s, rounded down, and at least 1. */
export function zipfWeights(count: number, zipfMilli: number): Float64Array {
  const weights = new Float64Array(count);
  for (let i = 0; i < count; i++) weights[i] = Math.max(1, Math.floor(weightOne / power(i + 1, zipfMilli)));
  return weights;
}

/** base^(milli / 1000), the fraction of the exponent taken in 32 binary digits, one square root each. */
function power(base: number, milli: number): number {
  let result = 1;
  for (let whole = Math.floor(milli / 1000); whole > 0; whole--) result *= base;
  let fraction = milli % 1000;
  let root = base;
  for (let digit = 0; digit < 32 && fraction > 0; digit++) {
    root = Math.sqrt(root);
    fraction *= 2;
    if (fraction >= 1000) {
      result *= root;
      fraction -= 1000;
    }
  }
  return result;
}

/** Column i yields i with probability keep[i] / 2^32, else alias[i]. */
function aliasTable(weights: Float64Array): { keep: Uint32Array; alias: Uint32Array } {
  const count = weights.length;
  let total = 0;
  for (const weight of weights) total += weight;
  // A column holds total / count; scaled by count everything stays an integer.
  const scaled = weights.map((weight) => weight * count);
  const keep = new Uint32Array(count);
  const alias = new Uint32Array(count);
  const small: number[] = [];
  const large: number[] = [];
  for (let i = 0; i < count; i++) ((scaled[i] as number) < total ? small : large).push(i);
  while (small.length > 0 && large.length > 0) {
    const poor = small.pop() as number;
    const rich = large[large.length - 1] as number;
    keep[poor] = Math.floor(((scaled[poor] as number) / total) * word);
    alias[poor] = rich;
    scaled[rich] = (scaled[rich] as number) - (total - (scaled[poor] as number));
    if ((scaled[rich] as number) < total) small.push(large.pop() as number);
  }
  // What remains fills its column: it is its own alias.
  for (const full of [...small, ...large]) alias[full] = full;
  return { keep, alias };
}
