/** A time since an injection. */
import { type Samples, sortSamples } from '../statistics/samples.js';

export type Elapsed =
  | { readonly kind: 'after'; readonly us: number }
  /** It had not happened when the harness stopped looking, or when the next fault struck. */
  | { readonly kind: 'not within'; readonly us: number };

/** When all have happened; null if there are none. */
export function latestOf(times: readonly Elapsed[]): Elapsed | null {
  if (times.length === 0) return null;
  const us = Math.max(...times.map((time) => time.us));
  return times.some(({ kind }) => kind === 'not within') ? { kind: 'not within', us } : { kind: 'after', us };
}

export function samplesOf(times: readonly Elapsed[]): Samples {
  const of = (kind: Elapsed['kind']) => times.filter((time) => time.kind === kind).map(({ us }) => us);
  return sortSamples(of('after'), of('not within'));
}
