import { runInNewContext } from 'node:vm';
import * as vega from 'vega';
import { describe, expect, it } from 'vitest';
import { soakSummary } from '../fixtures/chaos.js';
import { headlineSummary } from '../fixtures/headline.js';
import { type Chart, openDrawer } from './drawing.js';
import { expressionEvaluator } from './expressions.js';
import { percentilesChart } from './percentiles.js';
import { processAxes, processesChart, processUses } from './processes.js';
import { soakChart } from './soak.js';
import { timelineAxes, timelineCharts } from './timeline.js';
import { visibilityChart } from './visibility.js';

const planes = ['lakehouse', 'warehouse', 'lambda'];
const { series, estimates } = headlineSummary();
const { soak, series: struck } = soakSummary();

function everyKind(): Chart[] {
  const uses = processUses('lakehouse', series);
  const axes = processAxes(uses);
  return [
    percentilesChart(
      planes,
      series,
      estimates.filter(({ metric }) => metric === 'inference'),
    )!,
    visibilityChart(
      planes,
      series,
      estimates.filter(({ metric }) => metric === 'freshness.visibility'),
      5_000_000,
    )!,
    ...timelineCharts(series[1]!, 1, timelineAxes(series, 5_000_000), 30_000_000, 5_000_000).map(({ chart }) => chart),
    processesChart('cores', uses, 0, axes.cores),
    processesChart('bytes', uses, 0, axes.bytes),
    ...soak!.resources.slice(0, 2).map((resource) => soakChart(resource, soak!.runs)),
  ];
}

describe('a drawing', () => {
  it('is the drawing that Vega makes by itself', async () => {
    const drawer = openDrawer();
    for (const chart of everyKind()) {
      const own = drawer.draw(chart).toString();
      const view = new vega.View(vega.parse(drawer.specs.get(chart.kind)!), { renderer: 'none' });
      view.width(chart.width).height(chart.height);
      for (const [name, value] of Object.entries(chart.signals)) view.signal(name, value);
      for (const [name, rows] of Object.entries(chart.data))
        view.data(
          name,
          rows.map((row) => ({ ...row })),
        );
      const theirs = await view.toSVG();
      const paths = (svg: string) =>
        [...svg.matchAll(/<path[^>]*? d="([^"]*)"[^>]*stroke="var/g)].map(([, d]) =>
          d!.match(/-?[\d.]+/g)!.map((number) => Math.round(Number(number))),
        );
      const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)/g)].map(([, text]) => text);
      expect(texts(own)).toEqual(texts(theirs));
      expect(paths(own).length).toBe(paths(theirs).filter((path) => path.length > 0).length);
      for (const [index, path] of paths(own).entries()) {
        for (const [at, number] of path.entries())
          expect(Math.abs(number - paths(theirs)[index]![at]!)).toBeLessThanOrEqual(1);
      }
    }
  });

  it('needs no compiler in the page: every function that a view asks for was written down', () => {
    const drawer = openDrawer();
    for (const chart of everyKind()) drawer.draw(chart);
    const functions = runInNewContext(`new Map(${drawer.functions.source()})`) as Map<string, () => unknown>;
    const missing: string[] = [];
    const evaluator = expressionEvaluator((parameters, body) => {
      const known = functions.get(`${parameters}:${body}`);
      if (known === undefined) missing.push(body);
      return known ?? (() => null);
    });
    for (const chart of everyKind()) {
      const view = new vega.View(vega.parse(drawer.specs.get(chart.kind)!), {
        renderer: 'none',
        expr: evaluator,
      } as vega.ViewOptions);
      for (const [name, value] of Object.entries(chart.signals)) view.signal(name, value);
      for (const [name, rows] of Object.entries(chart.data))
        view.data(
          name,
          rows.map((row) => ({ ...row })),
        );
      if (chart.near !== null)
        view.data(
          'near',
          chart.data[chart.near]!.map((row) => ({ ...row })),
        );
      view.run();
    }
    expect(missing).toEqual([]);
    expect(functions.size).toBeGreaterThan(50);
  });

  it('has only short numbers, and ids that no other drawing of the page has', () => {
    const drawer = openDrawer();
    const svgs = everyKind().map((chart) => drawer.draw(chart).toString());
    const ids = svgs.flatMap((svg) => [...svg.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id));
    expect(new Set(ids).size).toBe(ids.length);
    for (const svg of svgs) expect(svg).not.toMatch(/ (?:d|transform)="[^"]*\d\.\d\d/);
  });

  it('shades a fault darkly until it is healed and lightly until what was struck is in service again', () => {
    const [chart] = timelineCharts(struck[0]!, 0, timelineAxes(struck, 5_000_000), 30_000_000, 5_000_000);
    expect(chart!.chart.data.faults).toMatchObject([
      { number: '1', from: 7, healed: 7.5, ready: 8.4 },
      { number: '2', from: 12, healed: 16, ready: 16 },
      { number: '3', from: 14, healed: 17, ready: 17 },
      { number: '4', from: 26, healed: 30, ready: 30 },
    ]);
    const svg = openDrawer().draw(chart!.chart).toString();
    const widths = (opacity: string) =>
      [...svg.matchAll(new RegExp(`<path d="M[^h]*h([\\d.]+)[^>]*opacity="${opacity}"`, 'g'))].map(([, width]) =>
        Number(width),
      );
    // 264 pixels for 30 s.
    expect(widths('0.25')).toEqual([4.4, 35.2, 26.4, 35.2]);
    expect(widths('0.09').filter((width) => width > 0)).toEqual([7.9]);
    expect(svg).toMatch(/>1<.*>2<.*>3<.*>4</s);
  });

  it('is unchanged by an outlier of another run when the axes are not', () => {
    const axes = timelineAxes(series, 5_000_000);
    const [first] = timelineCharts(series[0]!, 0, axes, 30_000_000, 5_000_000);
    expect(first!.chart.signals.yMax).toBe(axes[0]!.max);
  });
});
