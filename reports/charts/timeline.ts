/** One run over time, a panel a quantity, its faults as bands. Panels of a scenario share their axes. */
import type { TopLevelSpec } from 'vega-lite';
import type { RunSeries, Unit } from '../summary.js';
import { formatSetting, formatValue } from '../units.js';
import type { Chart } from './drawing.js';
import { axisLabels, config, ink, lookOf } from './theme.js';
import { linearTicks, logTicks, type Ticks } from './ticks.js';

type Interval = RunSeries['timeline'][number];

export interface Panel {
  readonly title: string;
  readonly unit: Unit;
  readonly scale: 'log' | 'linear';
  readonly read: (interval: Interval) => number | null;
}

export const panels: readonly Panel[] = [
  { title: 'Freshness p95', unit: 'us', scale: 'log', read: (interval) => interval.visibilityP95Us },
  { title: 'Prediction p95', unit: 'us', scale: 'log', read: (interval) => interval.predictP95Us },
  { title: 'Backlog, changes', unit: 'changes', scale: 'linear', read: (interval) => interval.backlogChanges },
  { title: 'Errors', unit: 'count', scale: 'linear', read: (interval) => interval.errors },
];

/** The axes that all runs of a scenario share, one a panel. */
export function timelineAxes(runs: readonly RunSeries[], sloUs: number | null): readonly Ticks[] {
  return panels.map(({ scale, read }, index) => {
    const values = runs.flatMap((run) => run.timeline.flatMap((interval) => read(interval) ?? []));
    if (scale === 'linear') return linearTicks(values, 1);
    return logTicks(index === 0 && sloUs !== null ? [...values, sloUs] : values) ?? { min: 1, max: 10, ticks: [1, 10] };
  });
}

export function timelineCharts(
  run: RunSeries,
  plane: number,
  axes: readonly Ticks[],
  endUs: number,
  sloUs: number | null,
): readonly { readonly title: string; readonly chart: Chart }[] {
  const end = endUs / 1e6;
  const seconds = (us: number | null) => Math.min((us ?? endUs) / 1e6, end);
  const faults = run.faults.map((fault, index) => ({
    number: run.faults.length > 1 ? String(index + 1) : '',
    from: seconds(fault.injectedUs),
    healed: seconds(fault.healedUs),
    ready: seconds(fault.readyUs === null ? null : Math.max(fault.readyUs, fault.healedUs ?? endUs)),
    tip: strikeText(fault),
  }));
  const marks = [run.measureStartUs, run.measureEndUs].map((us) => ({ s: us / 1e6 }));
  return panels.map(({ title, scale, read }, index) => {
    const { min, max, ticks } = axes[index]!;
    return {
      title,
      chart: {
        kind: `timeline-${scale}`,
        near: 'line',
        width: 264,
        height: 52,
        signals: { color: lookOf(plane).color, yMin: min, yMax: max, yTicks: ends(ticks), xMax: end },
        data: {
          faults,
          marks,
          limits: index === 0 && sloUs !== null ? [{ value: sloUs, tip: `SLO ${formatSetting(sloUs, 'us')}` }] : [],
          line: run.timeline.map((interval) => {
            const value = read(interval);
            return { s: interval.atUs / 1e6, value: value !== null && scale === 'log' ? Math.max(value, min) : value };
          }),
        },
      } satisfies Chart,
    };
  });
}

/** "role-crash of stream at 20.1 s, witnessed after 2.10 ms, healed after 500 ms, ready again after 1.10 s" */
export function strikeText({ kind, target, injectedUs, ...since }: RunSeries['faults'][number]): string {
  const after = (us: number | null, done: string, not: string) =>
    us === null ? not : `${done} after ${formatValue(us - injectedUs, 'us')}`;
  return [
    `${kind} of ${target} at ${formatValue(injectedUs, 'us')}`,
    after(since.witnessedUs, 'witnessed', 'not witnessed'),
    after(since.healedUs, 'healed', 'not healed'),
    after(since.readyUs, 'ready again', 'not ready again'),
  ].join(', ');
}

/** A panel is low: it has room for few labels. */
function ends(ticks: readonly number[]): readonly number[] {
  const step = Math.ceil(ticks.length / 3);
  return ticks.filter((_, index) => index % step === 0);
}

const x = {
  field: 's',
  type: 'quantitative',
  title: null,
  scale: { domainMin: 0, domainMax: { expr: 'xMax' }, nice: false },
  axis: { grid: false, tickCount: 6, labelExpr: "format(datum.value, '~r') + ' s'", labelFlush: true },
} as const;

/** The point that is near; Vega finds it by cells around the points, whose datum is the point. */
function tip(scale: 'log' | 'linear'): string {
  const point = '(datum.datum || datum)';
  const value =
    scale === 'log' ? axisLabels.time.replaceAll('datum.value', `${point}.value`) : `format(${point}.value, ',.3~r')`;
  return `format(${point}.s, '.4~r') + ' s: ' + (${value.replaceAll("'~r'", "'.3~r'")})`;
}

export function timelineSpec(scale: 'log' | 'linear'): TopLevelSpec {
  const y = {
    field: 'value',
    type: 'quantitative',
    title: null,
    scale: { type: scale, domainMin: { expr: 'yMin' }, domainMax: { expr: 'yMax' }, nice: false },
    axis: {
      values: { expr: 'yTicks' },
      labelExpr: scale === 'log' ? axisLabels.time : axisLabels.count,
      domain: false,
      ticks: false,
    },
  } as const;
  return {
    width: 264,
    height: 52,
    autosize: 'none',
    padding: { left: 52, right: 8, top: 6, bottom: 20 },
    config,
    params: [
      { name: 'color', value: 'black' },
      { name: 'yMin', value: 1 },
      { name: 'yMax', value: 10 },
      { name: 'yTicks', value: [1, 10] },
      { name: 'xMax', value: 1 },
    ],
    layer: [
      {
        data: { name: 'faults' },
        mark: { type: 'rect', color: ink.warn, opacity: 0.09, clip: true },
        encoding: { x: { ...x, field: 'healed' }, x2: { field: 'ready' }, tooltip: { field: 'tip' } },
      },
      {
        data: { name: 'faults' },
        mark: { type: 'rect', color: ink.warn, opacity: 0.25, clip: true },
        encoding: { x: { ...x, field: 'from' }, x2: { field: 'healed' }, tooltip: { field: 'tip' } },
      },
      {
        data: { name: 'faults' },
        mark: { type: 'rule', color: ink.warn, strokeWidth: 1.5, clip: true },
        encoding: { x: { ...x, field: 'from' } },
      },
      {
        data: { name: 'faults' },
        mark: { type: 'text', color: ink.warn, fontSize: 10, align: 'left', baseline: 'top', dx: 2 },
        encoding: { x: { ...x, field: 'from' }, y: { value: 0 }, text: { field: 'number' } },
      },
      {
        data: { name: 'marks' },
        mark: { type: 'rule', color: ink.muted, strokeDash: [1, 3], clip: true },
        encoding: { x },
      },
      {
        data: { name: 'limits' },
        mark: { type: 'rule', color: ink.warn, strokeDash: [3, 3], clip: true },
        encoding: { y, tooltip: { field: 'tip' } },
      },
      {
        data: { name: 'line' },
        mark: { type: 'line', strokeWidth: 1.5, invalid: 'break-paths-show-domains', clip: true },
        encoding: { x, y, stroke: { value: { expr: 'color' } } },
      },
      {
        data: { name: 'near' },
        params: [{ name: 'near', select: { type: 'point', nearest: true, on: 'pointerover', clear: 'pointerout' } }],
        mark: { type: 'point', filled: true, size: 26, color: ink.text, invalid: 'filter' },
        encoding: {
          x,
          y,
          opacity: { condition: { param: 'near', empty: false, value: 1 }, value: 0 },
          tooltip: { value: { expr: tip(scale) } },
        },
      },
    ],
  };
}
