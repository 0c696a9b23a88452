/** CPU and memory of each process of one plane: a mark a run, a bar for the middle of the runs. */
import type { TopLevelSpec } from 'vega-lite';
import type { RunSeries } from '../summary.js';
import { formatValue } from '../units.js';
import type { Chart } from './drawing.js';
import { axisLabels, config, ink, lookOf } from './theme.js';
import { linearTicks, type Ticks } from './ticks.js';

export interface ProcessUse {
  readonly name: string;
  readonly kind: string;
  readonly cpuCores: readonly number[];
  /** Empty where memory is not known. */
  readonly peakRssBytes: readonly number[];
}

/** What the processes of a plane used in its valid runs, ascending, in the order in which the runs list them. */
export function processUses(plane: string, runs: readonly RunSeries[]): ProcessUse[] {
  const processes = runs.filter((run) => run.valid && run.architecture === plane).flatMap((run) => run.processes);
  return [...new Set(processes.map(({ name }) => name))].map((name) => {
    const own = processes.filter((process) => process.name === name);
    const sorted = (values: number[]) => values.sort((a, b) => a - b);
    return {
      name,
      kind: own[0]!.kind,
      cpuCores: sorted(own.map(({ cpuCores }) => cpuCores)),
      peakRssBytes: sorted(own.flatMap(({ peakRssBytes }) => peakRssBytes ?? [])),
    };
  });
}

export function processAxes(uses: readonly ProcessUse[]): { readonly cores: Ticks; readonly bytes: Ticks } {
  return {
    cores: linearTicks(uses.flatMap(({ cpuCores }) => cpuCores)),
    bytes: linearTicks(uses.flatMap(({ peakRssBytes }) => peakRssBytes)),
  };
}

export function processesChart(
  quantity: 'cores' | 'bytes',
  uses: readonly ProcessUse[],
  plane: number,
  axis: Ticks,
): Chart {
  const rows = uses.map((use) => ({ name: use.name, values: quantity === 'cores' ? use.cpuCores : use.peakRssBytes }));
  return {
    kind: quantity === 'cores' ? 'processes-cpu' : 'processes-memory',
    near: null,
    width: 210,
    height: 22 * rows.length,
    signals: { xMax: axis.max, xTicks: axis.ticks },
    data: {
      bars: rows.map(({ name, values }) => ({ name, value: middleOf(values), color: lookOf(plane).color })),
      runs: rows.flatMap(({ name, values }) =>
        values.map((value) => ({ name, value, tip: `${name}: ${formatValue(value, quantity)}` })),
      ),
    },
  };
}

/** The upper median: a value that one of the runs had. */
export function middleOf(sorted: readonly number[]): number {
  return sorted[sorted.length >> 1]!;
}

export function processesSpec(quantity: 'cores' | 'bytes'): TopLevelSpec {
  const x = {
    field: 'value',
    type: 'quantitative',
    title: null,
    scale: { domainMin: 0, domainMax: { expr: 'xMax' }, nice: false },
    axis: {
      values: { expr: 'xTicks' },
      labelExpr: axisLabels[quantity],
      labelFlush: true,
      domain: false,
      ticks: false,
    },
  } as const;
  const y = {
    field: 'name',
    type: 'nominal',
    title: null,
    sort: null,
    axis: { labelLimit: 104, domain: false, ticks: false, labelColor: ink.text },
  } as const;
  return {
    width: 210,
    height: 110,
    autosize: 'none',
    padding: { left: 112, right: 12, top: 4, bottom: 22 },
    config,
    params: [
      { name: 'xMax', value: 1 },
      { name: 'xTicks', value: [0, 1] },
    ],
    layer: [
      {
        data: { name: 'bars' },
        mark: { type: 'bar', opacity: 0.55, height: 10 },
        encoding: { x, y, fill: { field: 'color', type: 'nominal', scale: null } },
      },
      {
        data: { name: 'runs' },
        mark: { type: 'tick', color: ink.text, thickness: 1, size: 12 },
        encoding: { x, y, tooltip: { field: 'tip' } },
      },
    ],
  };
}
