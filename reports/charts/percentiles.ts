/**
 * Latency against percentile on the axis of -log10(1 - p), so that each nine of the tail takes the same room (as
 * HdrHistogram plots do). The lines are descriptive: the median of the runs at each percentile, between the lowest and
 * the highest run. What is stated with an interval are the points: the pooled estimates of the table.
 */
import type { TopLevelSpec } from 'vega-lite';
import { confidenceText } from '../figures.js';
import type { Estimate, RunSeries } from '../summary.js';
import { formatValue } from '../units.js';
import { type Curve, nearestPoint, runCurves } from './curves.js';
import type { Chart } from './drawing.js';
import { axisLabels, config, lookOf } from './theme.js';
import { logTicks } from './ticks.js';

export function percentilesChart(
  planes: readonly string[],
  runs: readonly RunSeries[],
  estimates: readonly Estimate[],
): Chart | null {
  const curves = planes.map((plane) =>
    runCurves(plane, runs, (run) => run.inferenceQuantiles, limitOf(plane, estimates)).filter(({ p }) => p < 1),
  );
  const stated = estimates.flatMap((estimate) => statedPoint(planes, estimate));
  const axis = logTicks([
    ...curves.flat().flatMap(({ low, high }) => [low, high]),
    ...stated.flatMap(({ low, high }) => [low, high]),
  ]);
  if (axis === null) return null;
  const data = {
    curves: curves.flatMap((curve, index) =>
      curve.map((point) => ({ ...look(index), ...curvePoint(planes[index]!, point) })),
    ),
    stated,
  };
  const tailMax = Math.max(2, ...[...data.curves, ...stated].map(({ tail }) => tail));
  return {
    kind: 'percentiles',
    near: 'curves',
    width: 452,
    height: 260,
    signals: { yMin: axis.min, yMax: axis.max, yTicks: axis.ticks, tailMax },
    data,
  };
}

/** The percentile below which the plane's curve may be drawn: a figure that is too thin to print is too thin to plot. */
function limitOf(plane: string, estimates: readonly Estimate[]): number {
  const thin = estimates
    .filter((e) => e.architecture === plane && e.validity !== 'ok')
    .map((e) => probabilityOf(e.statistic) ?? 1);
  return Math.min(1, ...thin);
}

function curvePoint(plane: string, { p, middle, low, high, runs }: Curve) {
  const spread = runs > 1 ? ` (${formatValue(low, 'us')} to ${formatValue(high, 'us')} in ${runs} runs)` : '';
  return {
    plane,
    p,
    tail: tailOf(p),
    middle,
    low,
    high,
    tip: `${plane}, ${percentText(p)}: ${formatValue(middle, 'us')}${spread}`,
  };
}

function statedPoint(planes: readonly string[], estimate: Estimate) {
  const p = probabilityOf(estimate.statistic);
  const index = planes.indexOf(estimate.architecture);
  const { pointEstimate, confidenceInterval } = estimate;
  if (p === null || index < 0 || estimate.validity !== 'ok' || pointEstimate === null) return [];
  const low = confidenceInterval?.lowerBound ?? pointEstimate;
  const high = confidenceInterval?.upperBound ?? pointEstimate;
  const interval = confidenceInterval
    ? `, ${confidenceText(confidenceInterval.confidenceLevel)} interval ${formatValue(low, 'us')} to ${formatValue(high, 'us')}`
    : ', no interval';
  const tip = `${estimate.architecture}, estimate ${estimate.statistic}: ${formatValue(pointEstimate, 'us')}${interval}`;
  return [{ ...look(index), tail: tailOf(p), middle: pointEstimate, low: Math.max(low, 0.001), high, tip }];
}

/** 'p99' and 'p99.9' are quantiles; 'mean' is not. */
export function probabilityOf(statistic: string): number | null {
  const match = /^p(\d{1,2}(?:\.\d+)?)$/.exec(statistic);
  return match === null ? null : Number(match[1]) / 100;
}

export function percentText(p: number): string {
  return `p${Math.round(p * 1e7) / 1e5}`;
}

function tailOf(p: number): number {
  return -Math.log10(1 - p);
}

function look(index: number) {
  const { color, dash, shape } = lookOf(index);
  return { color, dash, shape };
}

const x = {
  field: 'tail',
  type: 'quantitative',
  title: 'percentile',
  scale: { domainMin: 0, domainMax: { expr: 'tailMax' }, nice: false },
  axis: {
    values: [0, 0.30103, 1, 2, 3, 4] as number[],
    labelExpr: "datum.value < 0.1 ? '0' : 'p' + format(100 - 100 * pow(10, -datum.value), '.5~r')",
    grid: false,
  },
} as const;
const y = {
  type: 'quantitative',
  title: null,
  scale: { type: 'log', domainMin: { expr: 'yMin' }, domainMax: { expr: 'yMax' }, nice: false },
  axis: { values: { expr: 'yTicks' }, labelExpr: axisLabels.time, domain: false, ticks: false },
} as const;
const color = { field: 'color', type: 'nominal', scale: null } as const;

export const percentilesSpec: TopLevelSpec = {
  width: 452,
  height: 260,
  autosize: 'none',
  padding: { left: 56, right: 14, top: 18, bottom: 40 },
  config,
  params: [
    { name: 'yMin', value: 1 },
    { name: 'yMax', value: 10 },
    { name: 'yTicks', value: [1, 10] },
    { name: 'tailMax', value: 3 },
  ],
  layer: [
    {
      data: { name: 'curves' },
      mark: { type: 'area', opacity: 0.13, clip: true },
      encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, fill: color, detail: { field: 'plane' } },
    },
    {
      data: { name: 'curves' },
      mark: { type: 'line', strokeWidth: 2, clip: true },
      encoding: {
        x,
        y: { ...y, field: 'middle' },
        stroke: color,
        strokeDash: { field: 'dash', type: 'nominal', scale: null },
        detail: { field: 'plane' },
      },
    },
    {
      data: { name: 'stated' },
      mark: { type: 'rule', strokeWidth: 1.5, clip: true },
      encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, stroke: color },
    },
    {
      data: { name: 'stated' },
      mark: { type: 'point', filled: true, size: 60, opacity: 1, stroke: 'var(--paper)', strokeWidth: 1 },
      encoding: {
        x,
        y: { ...y, field: 'middle' },
        fill: color,
        shape: { field: 'shape', type: 'nominal', scale: null },
        tooltip: { field: 'tip' },
      },
    },
    nearestPoint({ x, y: { ...y, field: 'middle' } }),
  ],
};
