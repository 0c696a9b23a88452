/** What the harness held after each run of a soak, and its trend over the second half. */
import type { TopLevelSpec } from 'vega-lite';
import type { SoakResource } from '../summary.js';
import { formatCount, formatValue } from '../units.js';
import { nearestPoint } from './curves.js';
import type { Chart } from './drawing.js';
import { axisLabels, config, ink } from './theme.js';
import { linearTicks } from './ticks.js';

export function soakChart({ unit, points, trend }: SoakResource, runs: number): Chart {
  const { max, ticks } = linearTicks(
    points.map(({ value }) => value),
    unit === 'count' ? 1 : 0,
  );
  return {
    kind: unit === 'bytes' ? 'soak-bytes' : 'soak-count',
    near: 'points',
    width: 264,
    height: 90,
    signals: { xMax: runs, yMax: max, yTicks: ticks },
    data: {
      points: points.map(({ run, value }) => ({
        run,
        value,
        tip: `run ${formatCount(run)}: ${formatValue(value, unit)}`,
      })),
      trend: trend === null ? [] : trendLine(trend, runs),
    },
  };
}

/** Through the median at the middle of the runs that it describes. */
function trendLine({ fromRun, level, growthPerRun }: NonNullable<SoakResource['trend']>, runs: number): object[] {
  const half = (growthPerRun * (runs - fromRun)) / 2;
  return [
    { run: fromRun, value: level - half },
    { run: runs, value: level + half },
  ];
}

export function soakSpec(unit: SoakResource['unit']): TopLevelSpec {
  const x = {
    field: 'run',
    type: 'quantitative',
    title: null,
    scale: { domainMin: 1, domainMax: { expr: 'xMax' }, nice: false },
    axis: { grid: false, tickCount: 6, format: '~r', labelFlush: true },
  } as const;
  const y = {
    field: 'value',
    type: 'quantitative',
    title: null,
    scale: { domainMin: 0, domainMax: { expr: 'yMax' }, nice: false },
    axis: { values: { expr: 'yTicks' }, labelExpr: axisLabels[unit], domain: false, ticks: false },
  } as const;
  return {
    width: 264,
    height: 90,
    autosize: 'none',
    padding: { left: 56, right: 8, top: 6, bottom: 20 },
    config,
    params: [
      { name: 'xMax', value: 1 },
      { name: 'yMax', value: 1 },
      { name: 'yTicks', value: [0, 1] },
    ],
    layer: [
      {
        data: { name: 'points' },
        mark: { type: 'line', strokeWidth: 1.2, color: 'var(--plane-1)', clip: true },
        encoding: { x, y },
      },
      {
        data: { name: 'trend' },
        mark: { type: 'line', strokeWidth: 1.5, strokeDash: [5, 3], color: ink.text, clip: true },
        encoding: { x, y },
      },
      nearestPoint({ x, y }),
    ],
  };
}
