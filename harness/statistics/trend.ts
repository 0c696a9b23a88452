/** Growth of a series that a few outliers must not decide. */
import { medianSorted, probit } from 'simple-statistics';
import type { Interval } from './interval.js';

/**
 * Theil-Sen slope (Sen 1968): the median of the slopes of all pairs of points with different x, in y's unit per x's
 * unit; NaN if there is no such pair. Withstands up to 29 % of arbitrary points.
 */
export function theilSenSlope(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const slopes = sortedSlopes(x, y);
  return slopes.length === 0 ? Number.NaN : medianSorted(slopes);
}

/** The normal approximation of Kendall's statistic serves from ten points on (Hollander and Wolfe 1999, section 9.3). */
const fewestPoints = 10;

/**
 * The slope of points with different x, with Sen's interval (Sen 1968): between the slopes that lie z standard deviations
 * of Kendall's statistic from the middle one. It takes the points as independent around the line; where each follows the
 * one before, it is too narrow. Null below ten points.
 */
export function theilSenTrend(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  level: number,
): { readonly slope: number; readonly interval: Interval } | null {
  const points = y.length;
  if (points < fewestPoints) return null;
  const slopes = sortedSlopes(x, y);
  const spread = probit((1 + level) / 2) * Math.sqrt(kendallVariance(y));
  const last = slopes.length - 1;
  const low = Math.max(0, Math.floor((slopes.length - spread) / 2) - 1);
  return {
    slope: medianSorted(slopes),
    interval: { lowerBound: slopes[low] as number, upperBound: slopes[last - low] as number },
  };
}

/** Of the number of rising minus falling pairs among points without a trend; equal y form ties (Kendall 1975). */
function kendallVariance(y: ArrayLike<number>): number {
  const ties = new Map<number, number>();
  for (let i = 0; i < y.length; i++) ties.set(y[i] as number, (ties.get(y[i] as number) ?? 0) + 1);
  const term = (count: number) => count * (count - 1) * (2 * count + 5);
  return [...ties.values()].reduce((sum, count) => sum - term(count), term(y.length)) / 18;
}

function sortedSlopes(x: ArrayLike<number>, y: ArrayLike<number>): number[] {
  const slopes: number[] = [];
  for (let i = 0; i < x.length; i++) {
    for (let j = i + 1; j < x.length; j++) {
      const run = (x[j] as number) - (x[i] as number);
      if (run !== 0) slopes.push(((y[j] as number) - (y[i] as number)) / run);
    }
  }
  return slopes.sort((a, b) => a - b);
}
