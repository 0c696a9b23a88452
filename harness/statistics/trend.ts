/** Growth of a series that a few outliers must not decide. */
import { medianSorted } from 'simple-statistics';

/**
 * Theil-Sen slope (Sen 1968): the median of the slopes of all pairs of points with different x, in y's unit per x's
 * unit; NaN if there is no such pair. Withstands up to 29 % of arbitrary points.
 */
export function theilSenSlope(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const slopes: number[] = [];
  for (let i = 0; i < x.length; i++) {
    for (let j = i + 1; j < x.length; j++) {
      const run = (x[j] as number) - (x[i] as number);
      if (run !== 0) slopes.push(((y[j] as number) - (y[i] as number)) / run);
    }
  }
  if (slopes.length === 0) return Number.NaN;
  return medianSorted(slopes.sort((a, b) => a - b));
}
