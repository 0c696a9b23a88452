/**
 * The only door to chance. One stream per concern, forked from the seed by a label, so that adding a consumer does not
 * shift the draws of the others. Generator: xoroshiro128+ (pure-rand); the draws are integer or dyadic, hence the same
 * on every Node version.
 */
import { createHash } from 'node:crypto';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export interface Random {
  /** Uniform integer in [0, bound). */
  below(bound: number): number;
  /** Uniform in [0, 1), 53 bits. */
  unit(): number;
  /** 32 random bits, as a signed integer: the cheapest draw. */
  bits(): number;
  /** An independent stream, a function of this stream's label path and `label` only. */
  fork(label: string): Random;
}

export function seededRandom(seed: number, path = ''): Random {
  const digest = createHash('sha256').update(`${seed}${path}`).digest();
  const generator = xoroshiro128plus(digest.readInt32LE(0));
  for (let i = 0; i < 4; i++) generator.next();
  return {
    below: (bound) => uniformInt(generator, 0, bound - 1),
    unit: () => uniformFloat64(generator),
    bits: () => generator.next(),
    fork: (label) => seededRandom(seed, `${path}/${label}`),
  };
}

/** In an order of their own (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j] as T, order[i] as T];
  }
  return order;
}
