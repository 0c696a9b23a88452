/**
 * What one run observed of one quantity, sorted, with what it waited for in vain.
 *
 * A right-censored observation is one that had not ended when the harness stopped looking: it is known only to exceed
 * its bound. It counts in every rank and stands above everything observed, because a change that never became visible,
 * or a call that never answered, must not flatter a plane (leaving such observations out is the commonest way in which
 * benchmarks hide an outage). A quantile that falls among them has no value, only a bound.
 */
export interface Samples {
  /** Ascending. */
  readonly observed: Float64Array;
  /** Ascending; what each censored observation is known to exceed. */
  readonly censored: Float64Array;
}

export function sortSamples(observed: ArrayLike<number>, censored: ArrayLike<number> = []): Samples {
  return { observed: new Float64Array(observed).sort(), censored: new Float64Array(censored).sort() };
}

export function countSamples(samples: Samples): number {
  return samples.observed.length + samples.censored.length;
}

/**
 * The rank of the p-quantile among n observations: the smallest whole r >= 1 with r >= p n. This is the inverse of the
 * empirical distribution function (Hyndman and Fan 1996, type 1). It is used instead of an interpolating definition
 * because it is the only one that merged counts, weighted runs and censored observations share.
 */
export function quantileRank(n: number, p: number): number {
  // p * n may lie a rounding error above a whole number (0.07 * 100).
  return Math.max(1, Math.ceil(p * n - 1e-9 * n));
}

/** The p-quantile in the samples' unit; Infinity if it is censored, NaN if there are none. */
export function quantileOf(samples: Samples, p: number): number {
  const n = countSamples(samples);
  if (n === 0) return Number.NaN;
  return samples.observed[quantileRank(n, p) - 1] ?? Number.POSITIVE_INFINITY;
}

/** What the p-quantile of all runs together certainly reaches: the quantile with every censored observation at its bound. */
export function quantileBound(runs: readonly Samples[], p: number): number {
  const all = concatenate(runs.flatMap((run) => [run.observed, run.censored])).sort();
  return all.length === 0 ? Number.NaN : (all[quantileRank(all.length, p) - 1] as number);
}

/** What the mean of all runs together certainly reaches. */
export function meanBound(runs: readonly Samples[]): number {
  const all = concatenate(runs.flatMap((run) => [run.observed, run.censored]));
  return all.length === 0 ? Number.NaN : all.reduce((sum, value) => sum + value, 0) / all.length;
}

function concatenate(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
