/**
 * A figure of all runs together, as a function of how often each run counts.
 *
 * Every interval here resamples or leaves out whole runs, so all that it needs is the pooled figure for given weights:
 * ones give the estimate, a zero leaves a run out, a bootstrap resample is a vector of small integers. Nothing is copied
 * and no quantile is ever averaged: a quantile is that of the merged observations.
 */
import { countSamples, quantileOf, quantileRank, type Samples } from './samples.js';

export type Weights = ArrayLike<number>;

export interface PooledFigure {
  readonly runs: number;
  /** The figure with run k counted `weights[k]` times. Infinity: censored. NaN: undefined (nothing counted). */
  at(weights: Weights): number;
}

/**
 * The p-quantile of the merged observations. Whatever the weights, it lies between the lowest and the highest of the
 * runs' own p-quantiles (below the lowest, every run's share is under p; at the highest, every run's share has reached
 * p), so only the observations in between are merged, once, into cumulative counts, and searched by bisection.
 */
export function pooledQuantile(runs: readonly Samples[], p: number): PooledFigure {
  const width = runs.length;
  const sizes = Float64Array.from(runs, countSamples);
  const own = runs.filter((run) => countSamples(run) > 0).map((run) => quantileOf(run, p));
  const { values, counts } = mergeBetween(runs, Math.min(...own), Math.max(...own));

  const last = values.length - 1;
  const countUpTo = (index: number, weights: Weights) => {
    let count = 0;
    for (let k = 0, at = index * width; k < width; k++, at++) count += (weights[k] as number) * (counts[at] as number);
    return count;
  };
  const ones = new Uint8Array(width).fill(1);
  // Resamples lie close to the estimate, so every search begins there and steps by what it lacks.
  const density = last > 0 ? (countUpTo(last, ones) - countUpTo(0, ones)) / (last * width) : 1;
  const mayBeCensored = runs.some((run) => run.censored.length > 0);
  const find = (weights: Weights, from: number): number => {
    let n = 0;
    let counted = 0;
    for (let k = 0; k < width; k++) {
      n += (weights[k] as number) * (sizes[k] as number);
      counted += weights[k] as number;
    }
    if (n === 0) return -1;
    const rank = quantileRank(n, p);
    if (last < 0 || (mayBeCensored && countUpTo(last, weights) < rank)) return values.length;
    // The least index whose count reaches the rank lies in (low, high]. From the fifth step on the search halves.
    let low = -1;
    let high = last;
    for (let step = 0, probe = from; high - low > 1; step++) {
      probe = Math.min(high - 1, Math.max(low + 1, probe));
      const lack = rank - countUpTo(probe, weights);
      if (lack <= 0) high = probe;
      else low = probe;
      if (step >= 4) probe = (low + high) >> 1;
      else probe += Math.round(lack / (density * counted)) + (lack <= 0 ? -1 : 0);
    }
    return high;
  };
  const estimate = find(ones, last >> 1);

  return {
    runs: width,
    at(weights) {
      const index = find(weights, estimate);
      return index === -1 ? Number.NaN : (values[index] ?? Number.POSITIVE_INFINITY);
    },
  };
}

/** Distinct observed values in [low, high], and for each value and run (row-major) how many observations are not above it. */
function mergeBetween(runs: readonly Samples[], low: number, high: number) {
  const parts = runs.map((run) =>
    run.observed.subarray(firstNotBelow(run.observed, low), firstAbove(run.observed, high)),
  );
  const merged = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let filled = 0;
  for (const part of parts) {
    merged.set(part, filled);
    filled += part.length;
  }
  merged.sort();
  let distinct = 0;
  for (let i = 0; i < merged.length; i++) {
    if (i === 0 || merged[i] !== merged[i - 1]) merged[distinct++] = merged[i] as number;
  }
  const values = merged.slice(0, distinct);
  const counts = new Int32Array(distinct * runs.length);
  for (const [k, run] of runs.entries()) {
    let count = firstNotBelow(run.observed, low);
    for (let i = 0; i < distinct; i++) {
      while (count < run.observed.length && (run.observed[count] as number) <= (values[i] as number)) count++;
      counts[i * runs.length + k] = count;
    }
  }
  return { values, counts };
}

function firstNotBelow(sorted: Float64Array, bound: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

function firstAbove(sorted: Float64Array, bound: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) <= bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The mean of the merged observations; Infinity as soon as one that counts is censored. */
export function pooledMean(runs: readonly Samples[]): PooledFigure {
  return pooledRatio(
    runs.map((run) => ({
      numerator:
        run.censored.length > 0 ? Number.POSITIVE_INFINITY : run.observed.reduce((sum, value) => sum + value, 0),
      denominator: countSamples(run),
    })),
  );
}

export interface Ratio {
  readonly numerator: number;
  readonly denominator: number;
}

/** Sum of numerators over sum of denominators: rates, shares, means of one figure a run (denominator 1). */
export function pooledRatio(runs: readonly Ratio[]): PooledFigure {
  const numerators = Float64Array.from(runs, (run) => run.numerator);
  const denominators = Float64Array.from(runs, (run) => run.denominator);
  return {
    runs: runs.length,
    at(weights) {
      let numerator = 0;
      let denominator = 0;
      for (let k = 0; k < numerators.length; k++) {
        const weight = weights[k] as number;
        // A run that does not count may be infinite.
        if (weight === 0) continue;
        numerator += weight * (numerators[k] as number);
        denominator += weight * (denominators[k] as number);
      }
      return denominator === 0 ? Number.NaN : numerator / denominator;
    },
  };
}

/** The figure of all runs together, each counted once. */
export function estimateOf(figure: PooledFigure): number {
  return figure.at(new Uint8Array(figure.runs).fill(1));
}

/** The figure of each run by itself. */
export function figuresByRun(figure: PooledFigure): number[] {
  return Array.from({ length: figure.runs }, (_, k) => {
    const only = new Uint8Array(figure.runs);
    only[k] = 1;
    return figure.at(only);
  });
}
