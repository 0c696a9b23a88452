/**
 * How far one set of runs lies from another, on a scale on which effects add: differences, or logarithms of ratios. What
 * is known of each run is one number, as in a saved baseline; `comparison.ts` is for planes whose observations are at hand.
 */
import type { Random } from '../random.js';
import { signFlipTest } from './comparison.js';
import { type Interval, intervalOverRuns } from './interval.js';
import { pooledRatio } from './pooled-figure.js';
import type { Resamples } from './resamples.js';
import { studentCentralProbability, studentCritical } from './student-t.js';

export interface Effect {
  /** Positive: the candidate's numbers are higher. */
  readonly estimate: number;
  /** Where nothing varies it is a point. Null with fewer than two runs. */
  readonly interval: Interval | null;
  /** Two-sided; null where there is no test. */
  readonly pValue: number | null;
  readonly method: string;
}

/**
 * The mean over pairs of candidate - reference, the score of a pair. Interval as everywhere (interval.ts: bootstrap-t
 * from 10 pairs where resamples are given, below that the jackknife's, which of a mean is Student's paired t); test by
 * flipping signs.
 */
export function effectOverPairs(
  scores: readonly number[],
  options: { readonly level: number; readonly resamples: Resamples | null; readonly random: Random },
): Effect {
  const estimate = meanOf(scores);
  if (scores.length < 2) return { estimate, interval: null, pValue: null, method: 'none: fewer than two pairs' };
  const mean = pooledRatio(scores.map((numerator) => ({ numerator, denominator: 1 })));
  const { interval, method } = intervalOverRuns(mean, { domain: 'real', ...options });
  return {
    estimate,
    interval: interval ?? { lowerBound: estimate, upperBound: estimate },
    pValue: signFlipTest(scores, options.random),
    method: interval === null ? 'the same in every pair' : method.replace('over runs', 'over pairs'),
  };
}

/**
 * The difference of two means of runs that share no seeds (Welch 1947). Satterthwaite's degrees of freedom are rounded
 * down, which widens the interval.
 */
export function effectOverGroups(
  candidates: readonly number[],
  references: readonly number[],
  { level }: { readonly level: number },
): Effect & { readonly degrees: number | null } {
  const estimate = meanOf(candidates) - meanOf(references);
  const [a, b] = [candidates, references].map(squaredErrorOf) as [number, number];
  if (candidates.length < 2 || references.length < 2) {
    return { estimate, interval: null, pValue: null, method: 'none: fewer than two runs on a side', degrees: null };
  }
  const error = Math.sqrt(a + b);
  if (error === 0) {
    const interval = { lowerBound: estimate, upperBound: estimate };
    const pValue = estimate === 0 ? 1 : null;
    return { estimate, interval, pValue, method: 'unpaired, the same in every run', degrees: null };
  }
  const degrees = (a + b) ** 2 / (a ** 2 / (candidates.length - 1) + b ** 2 / (references.length - 1));
  const whole = Math.max(1, Math.floor(degrees));
  const reach = studentCritical(level, whole) * error;
  return {
    estimate,
    interval: { lowerBound: estimate - reach, upperBound: estimate + reach },
    pValue: 1 - studentCentralProbability(Math.abs(estimate) / error, whole),
    method: 'unpaired, Welch t over runs',
    degrees,
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of the mean: the sample variance over the number of values. */
function squaredErrorOf(values: readonly number[]): number {
  const mean = meanOf(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  // Equal values differ from their computed mean by rounding: that is no spread.
  return squares <= 1e-24 * values.length * mean ** 2 ? 0 : squares / (values.length - 1) / values.length;
}
