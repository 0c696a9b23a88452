/**
 * How long to wait after a failure: exponential backoff with full jitter, so that those who failed together do not come
 * back in step (Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015).
 */
import type { Random } from './random.js';

/** Drawn below `firstUs` after the first failure in a row; the bound doubles with each one, up to `longestUs`. */
export function backoffUs(
  failures: number,
  random: Pick<Random, 'below'>,
  { firstUs, longestUs }: { readonly firstUs: number; readonly longestUs: number },
): number {
  let boundUs = firstUs;
  for (let i = 1; i < failures && boundUs < longestUs; i++) boundUs *= 2;
  return random.below(Math.min(boundUs, longestUs));
}
