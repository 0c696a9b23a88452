/**
 * Two planes compared under the same seeds. Runs that share a seed met the same changes in the same order, so a pair
 * cancels what the seed did to both; the unit is the pair.
 */
import type { Random } from '../random.js';
import { type Interval, intervalOverRuns } from './interval.js';
import { estimateOf, figuresByRun, type PooledFigure } from './pooled-figure.js';

export interface PairedComparison {
  /** `ratio`: candidate / reference. `difference`: candidate - reference, where a figure may be zero. */
  readonly effect: 'ratio' | 'difference';
  /** Null where it is undefined or censored. */
  readonly estimate: number | null;
  readonly interval: Interval | null;
  /** The effect is the same in every pair. */
  readonly isSameInAll: boolean;
  readonly method: string;
  readonly pairs: number;
  /** Two-sided, of the sign-flip permutation test; null without two defined pairs. */
  readonly pValue: number | null;
}

/**
 * Pair k is run k of both figures. The figures compared are the pooled ones, the same as those printed for each plane.
 * The interval is the jackknife's: it holds the truth as often as the bootstrap's (README.md), and unlike that one it
 * costs nothing for every pair of planes and every figure.
 */
export function comparePaired(
  candidate: PooledFigure,
  reference: PooledFigure,
  options: {
    readonly effect: 'ratio' | 'difference';
    readonly level: number;
    readonly random: Random;
  },
): PairedComparison {
  if (candidate.runs !== reference.runs) {
    throw new RangeError(`comparison: ${candidate.runs} runs cannot be paired with ${reference.runs}`);
  }
  const combine = options.effect === 'ratio' ? (a: number, b: number) => a / b : (a: number, b: number) => a - b;
  const effect: PooledFigure = {
    runs: candidate.runs,
    at: (weights) => combine(candidate.at(weights), reference.at(weights)),
  };
  const estimate = estimateOf(effect);
  const { interval, isSameInAll, method } = intervalOverRuns(effect, {
    domain: options.effect === 'ratio' ? 'positive' : 'real',
    level: options.level,
    resamples: null,
  });
  const references = figuresByRun(reference);
  const byPair = figuresByRun(candidate).map((value, k) => combine(value, references[k] as number));
  const scores = options.effect === 'ratio' ? byPair.map(Math.log) : byPair;
  const sound = Number.isFinite(estimate) && (options.effect === 'difference' || estimate > 0);
  return {
    effect: options.effect,
    estimate: sound ? estimate : null,
    interval: sound ? interval : null,
    isSameInAll: sound && isSameInAll,
    method: sound ? method : `none: the ${options.effect} is undefined`,
    pairs: candidate.runs,
    pValue: scores.length >= 2 && scores.every(Number.isFinite) ? signFlipTest(scores, options.random) : null,
  };
}

const exactUpTo = 16;
const randomFlips = 10_000;

/**
 * Paired permutation test (Fisher 1935): if the planes did not differ, each pair's score (log ratio or difference)
 * would be as likely to have the other sign. p is the share of all sign patterns whose sum is at least as far from 0 as
 * the observed one. Every pattern up to 16 pairs (10 pairs can reach 2 / 1024), beyond that 10,000 drawn ones, counting
 * the observed pattern among them (Phipson and Smyth 2010), so that p is never 0.
 */
export function signFlipTest(scores: readonly number[], random: Random): number {
  const observed = Math.abs(scores.reduce((sum, score) => sum + score, 0));
  // Sums of the same terms in other orders differ by rounding.
  const threshold = observed - 1e-12 * scores.reduce((sum, score) => sum + Math.abs(score), 0);
  const reaches = (flipped: (k: number) => boolean) => {
    let sum = 0;
    for (let k = 0; k < scores.length; k++) sum += flipped(k) ? -(scores[k] as number) : (scores[k] as number);
    return Math.abs(sum) >= threshold;
  };
  let extreme = 0;
  if (scores.length <= exactUpTo) {
    const patterns = 1 << scores.length;
    for (let pattern = 0; pattern < patterns; pattern++) if (reaches((k) => ((pattern >> k) & 1) === 1)) extreme++;
    return extreme / patterns;
  }
  for (let i = 0; i < randomFlips; i++) if (reaches(() => random.below(2) === 1)) extreme++;
  return (extreme + 1) / (randomFlips + 1);
}
