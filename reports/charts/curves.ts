/** Quantile curves of one plane's runs side by side. */
import type { RunSeries } from '../summary.js';
import { ink } from './theme.js';

export interface Curve {
  readonly p: number;
  /** Median of the runs: it describes the runs and is no estimate of the pooled quantile. */
  readonly middle: number;
  readonly low: number;
  readonly high: number;
  readonly runs: number;
}

/** Points that every valid run of the plane has, with `p` below the limit. */
export function runCurves(
  plane: string,
  runs: readonly RunSeries[],
  quantilesOf: (run: RunSeries) => readonly { readonly p: number; readonly us: number }[],
  limit: number,
): Curve[] {
  const curves = runs.filter((run) => run.valid && run.architecture === plane).map(quantilesOf);
  return (curves[0] ?? []).flatMap(({ p }) => {
    const values = curves.flatMap((curve) => curve.filter((point) => point.p === p).map(({ us }) => Math.max(us, 1)));
    if (p >= limit || values.length < curves.length) return [];
    const sorted = values.sort((a, b) => a - b);
    return [{ p, middle: median(sorted), low: sorted[0]!, high: sorted.at(-1)!, runs: sorted.length }];
  });
}

function median(sorted: readonly number[]): number {
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** The layer of both curve charts that shows the point nearest to the pointer, and its numbers. */
export function nearestPoint<X, Y>({ x, y }: { readonly x: X; readonly y: Y }) {
  return {
    data: { name: 'near' },
    params: [
      { name: 'near', select: { type: 'point' as const, nearest: true, on: 'pointerover', clear: 'pointerout' } },
    ],
    mark: { type: 'point' as const, filled: true, size: 30, color: ink.text },
    encoding: {
      x,
      y,
      opacity: { condition: { param: 'near', empty: false, value: 1 }, value: 0 },
      tooltip: { field: 'tip' },
    },
  };
}
