/** Binomial facts: how many observations a tail quantile needs, and intervals for a probability. */
import { gammaln } from 'simple-statistics';
import { studentCritical } from './student-t.js';

/** P(X <= successes) for X binomial. */
export function binomialCumulative(successes: number, trials: number, probability: number): number {
  if (successes >= trials || probability === 0) return 1;
  if (successes < 0 || probability === 1) return 0;
  let sum = 0;
  for (let k = 0; k <= successes; k++) {
    sum += Math.exp(
      gammaln(trials + 1) -
        gammaln(k + 1) -
        gammaln(trials - k + 1) +
        k * Math.log(probability) +
        (trials - k) * Math.log1p(-probability),
    );
  }
  return Math.min(1, sum);
}

/**
 * The fewest independent observations from which a two-sided distribution-free interval for the p-quantile has both
 * ends: the largest observation must lie above the quantile, and the smallest below it, each with probability at least
 * 1 - (1 - level) / 2. The binomial condition is max(p, 1 - p)^n <= (1 - level) / 2: 6 for a median, 72 for a p95, 368
 * for a p99, 3,688 for a p99.9 at level 0.95. Source: order statistics, e.g. David and Nagaraja 2003, section 7.1.
 */
export function sampleFloor(p: number, level = 0.95): number {
  return Math.ceil(Math.log((1 - level) / 2) / Math.log(Math.max(p, 1 - p)));
}

export interface Bounds {
  readonly lowerBound: number;
  readonly upperBound: number;
}

/**
 * Interval for a probability from independent trials (Clopper and Pearson 1934): exact, hence honest at 0 of n and n of
 * n, where every interval from the variance collapses: 5 of 5 gives [0.478, 1].
 */
export function proportionInterval(successes: number, trials: number, level = 0.95): Bounds {
  const tail = (1 - level) / 2;
  return {
    lowerBound: successes === 0 ? 0 : solve((p) => 1 - binomialCumulative(successes - 1, trials, p) >= tail),
    upperBound: successes === trials ? 1 : solve((p) => binomialCumulative(successes, trials, p) <= tail),
  };
}

/**
 * Distribution-free interval for the p-quantile of independent observations, sorted: from one of them to another, which hold
 * it between them with at least the level, whatever they are drawn from (David and Nagaraja 2003, section 7.1). Where one
 * observation a run is all there is the jackknife does not do: leaving one out only ever shows the two in the middle (Efron
 * and Tibshirani 1993, section 11.6). Null below the sample floor.
 */
export function quantileInterval(sorted: ArrayLike<number>, p: number, level = 0.95): Bounds | null {
  const count = sorted.length;
  if (count < sampleFloor(p, level)) return null;
  const tail = (1 - level) / 2;
  // The rank r of an end: the chance that fewer than r observations lie below the quantile.
  let lower = 1;
  while (binomialCumulative(lower, count, p) <= tail) lower++;
  let upper = lower;
  while (binomialCumulative(upper - 1, count, p) < 1 - tail) upper++;
  return { lowerBound: sorted[lower - 1] as number, upperBound: sorted[upper - 1] as number };
}

export interface Trials {
  readonly successes: number;
  readonly trials: number;
}

/**
 * Interval for a probability from runs with several trials each, of which those of a run tend to end alike. It is the
 * exact interval of as many independent trials as would spread as the runs do: n divided by the design effect, with the
 * few runs behind that paid for by Student's t (Korn and Graubard 1998, Survey Methodology 24). `effective` of them: no
 * more than were made and no fewer than there are runs, which are independent. Where all trials ended alike the spread
 * tells nothing, and each run counts for one.
 */
export function clusteredProportionInterval(
  runs: readonly Trials[],
  level = 0.95,
): Bounds & { readonly effective: number } {
  const clusters = runs.filter(({ trials }) => trials > 0);
  const trials = clusters.reduce((sum, run) => sum + run.trials, 0);
  const successes = clusters.reduce((sum, run) => sum + run.successes, 0);
  const effective = Math.floor(effectiveTrials(clusters, trials, successes, level));
  const share = (successes / trials) * effective;
  return {
    effective,
    // A share of the effective trials need not be whole; what lies outside of it is taken.
    lowerBound: proportionInterval(Math.floor(share + 1e-9), effective, level).lowerBound,
    upperBound: proportionInterval(Math.ceil(share - 1e-9), effective, level).upperBound,
  };
}

function effectiveTrials(clusters: readonly Trials[], trials: number, successes: number, level: number): number {
  const count = clusters.length;
  if (trials === count || count === 1 || successes === 0 || successes === trials) return count;
  const p = successes / trials;
  // Variance of a ratio of sums over clusters (Cochran 1977, 9A): the residuals of the runs.
  const square = (value: number) => value * value;
  const squares = clusters.reduce((sum, run) => sum + square(run.successes - p * run.trials), 0);
  const variance = (count / (count - 1)) * (squares / square(trials));
  const fewRuns = square(studentCritical(level, trials - 1) / studentCritical(level, count - 1));
  return Math.min(trials, Math.max(count, ((p * (1 - p)) / variance) * fewRuns + 1e-9));
}

/** The least p in [0, 1] from which on `holds`. */
function solve(holds: (p: number) => boolean): number {
  let low = 0;
  let high = 1;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}
