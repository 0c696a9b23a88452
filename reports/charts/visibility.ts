/** Share of changes visible within a time: the empirical distribution of freshness, one line a plane. */
import type { TopLevelSpec } from 'vega-lite';
import type { Estimate, RunSeries } from '../summary.js';
import { formatSetting, formatValue } from '../units.js';
import { nearestPoint, runCurves } from './curves.js';
import type { Chart } from './drawing.js';
import { probabilityOf } from './percentiles.js';
import { axisLabels, config, ink, lookOf } from './theme.js';
import { logTicks } from './ticks.js';

export function visibilityChart(
  planes: readonly string[],
  runs: readonly RunSeries[],
  estimates: readonly Estimate[],
  sloUs: number | null,
): Chart | null {
  const curves = planes.map((plane) =>
    runCurves(plane, runs, (run) => run.visibilityQuantiles, limitOf(plane, estimates)),
  );
  const limits = sloUs === null ? [] : [{ us: sloUs, label: `SLO ${formatSetting(sloUs, 'us')}` }];
  const points = curves.flat();
  const axis = logTicks([...points.flatMap(({ low, high }) => [low, high]), ...limits.map(({ us }) => us)]);
  if (axis === null || points.length === 0) return null;
  return {
    kind: 'visibility',
    near: 'curves',
    width: 452,
    height: 260,
    signals: { xMin: axis.min, xMax: axis.max, xTicks: axis.ticks },
    data: {
      limits,
      curves: curves.flatMap((curve, index) =>
        curve.map(({ p, middle, low, high, runs: count }) => ({
          plane: planes[index]!,
          color: lookOf(index).color,
          dash: lookOf(index).dash,
          p,
          middle,
          low,
          high,
          tip: `${planes[index]!}: ${formatValue(p, 'share')} visible within ${formatValue(middle, 'us')}${
            count > 1 ? ` (${formatValue(low, 'us')} to ${formatValue(high, 'us')} in ${count} runs)` : ''
          }`,
        })),
      ),
    },
  };
}

/** Beyond a censored quantile nobody knows when changes became visible. */
function limitOf(plane: string, estimates: readonly Estimate[]): number {
  const unknown = estimates
    .filter((e) => e.architecture === plane && e.validity !== 'ok')
    .map((e) => probabilityOf(e.statistic) ?? 1);
  return Math.min(1.1, ...unknown);
}

const x = {
  type: 'quantitative',
  title: 'visible within',
  scale: { type: 'log', domainMin: { expr: 'xMin' }, domainMax: { expr: 'xMax' }, nice: false },
  axis: { values: { expr: 'xTicks' }, labelExpr: axisLabels.time, grid: false },
} as const;
const y = {
  field: 'p',
  type: 'quantitative',
  title: null,
  scale: { domain: [0, 1] as number[] },
  axis: { values: [0, 0.25, 0.5, 0.75, 0.95] as number[], format: '.0%', domain: false, ticks: false },
} as const;
const color = { field: 'color', type: 'nominal', scale: null } as const;

export const visibilitySpec: TopLevelSpec = {
  width: 452,
  height: 260,
  autosize: 'none',
  padding: { left: 56, right: 14, top: 18, bottom: 40 },
  config,
  params: [
    { name: 'xMin', value: 1 },
    { name: 'xMax', value: 10 },
    { name: 'xTicks', value: [1, 10] },
  ],
  layer: [
    {
      data: { name: 'limits' },
      mark: { type: 'rule', color: ink.warn, strokeDash: [3, 3], clip: true },
      encoding: { x: { ...x, field: 'us' } },
    },
    {
      data: { name: 'limits' },
      mark: { type: 'text', color: ink.warn, align: 'center', baseline: 'bottom', dy: -3, fontSize: 11 },
      encoding: {
        x: { ...x, field: 'us' },
        y: { datum: 1, type: 'quantitative', scale: { domain: [0, 1] } },
        text: { field: 'label' },
      },
    },
    {
      data: { name: 'curves' },
      mark: { type: 'area', orient: 'horizontal', opacity: 0.13, clip: true },
      encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' }, y, fill: color, detail: { field: 'plane' } },
    },
    {
      data: { name: 'curves' },
      mark: { type: 'line', strokeWidth: 2, orient: 'horizontal', clip: true },
      encoding: {
        x: { ...x, field: 'middle' },
        y,
        order: { field: 'p', type: 'quantitative' },
        stroke: color,
        strokeDash: { field: 'dash', type: 'nominal', scale: null },
        detail: { field: 'plane' },
      },
    },
    nearestPoint({ x: { ...x, field: 'middle' }, y }),
  ],
};
