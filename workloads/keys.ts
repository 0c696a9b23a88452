/** Which customers are hot. Changes, history and reads share it: who orders most is also looked up most. */
import { type Random, seededRandom } from '../harness/random.js';
import { zipfSampler } from './zipf.js';

/** Draws a customer. */
export type KeySampler = (random: Random) => number;

export interface KeyOptions {
  readonly seed: number;
  readonly customers: number;
  readonly zipfMilli: number;
}

/** Customers by Zipf's law; the seed decides which customer has which rank. */
export function keySampler({ seed, customers, zipfMilli }: KeyOptions): KeySampler {
  const customerOfRank = permutation(customers, seededRandom(seed).fork('customers'));
  const rank = zipfSampler(customers, zipfMilli);
  return (random) => customerOfRank[rank(random)] as number;
}

/** Fisher-Yates. */
function permutation(count: number, random: Random): Uint32Array {
  const items = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const item = items[i] as number;
    items[i] = items[j] as number;
    items[j] = item;
  }
  return items;
}
