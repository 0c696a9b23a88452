/** Binomial facts: how many observations a tail quantile needs, and intervals for a probability. */
import { gammaln } from 'simple-statistics';

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
