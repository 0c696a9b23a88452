/** From a chart's rows to SVG: Vega-Lite specs are compiled once a report, then drawn with each chart's data. */
import * as vega from 'vega';
import * as vegaLite from 'vega-lite';
import { type Markup, trusted } from '../markup.js';
import { type Compiled, expressionEvaluator, recordingCompiler } from './expressions.js';
import { percentilesSpec } from './percentiles.js';
import { processesSpec } from './processes.js';
import { soakSpec } from './soak.js';
import { timelineSpec } from './timeline.js';
import { visibilitySpec } from './visibility.js';

/**
 * Every kind of chart. Text from outside is only ever a value of a chart's data, never part of a spec: no expression is
 * made from it, and Vega escapes what it writes into SVG.
 */
const specs = {
  percentiles: percentilesSpec,
  visibility: visibilitySpec,
  'timeline-log': timelineSpec('log'),
  'timeline-linear': timelineSpec('linear'),
  'processes-cpu': processesSpec('cores'),
  'processes-memory': processesSpec('bytes'),
  'soak-bytes': soakSpec('bytes'),
  'soak-count': soakSpec('count'),
} as const satisfies Record<string, vegaLite.TopLevelSpec>;

export type ChartKind = keyof typeof specs;

/** What one chart adds to its kind. `width` and `height` are of the plot, without axes. */
export interface Chart {
  readonly kind: ChartKind;
  readonly width: number;
  readonly height: number;
  readonly signals: Readonly<Record<string, string | number | readonly number[]>>;
  readonly data: Readonly<Record<string, readonly object[]>>;
  /** The data whose rows a pointer finds; in the page alone, a still drawing does not need them. */
  readonly near: string | null;
}

export interface Drawer {
  draw(chart: Chart, width?: number): Markup;
  /** Compiled specs of the kinds that were drawn, and the functions that their expressions compile to. */
  readonly specs: ReadonlyMap<ChartKind, vega.Spec>;
  readonly functions: Compiled;
}

/** Compiled and parsed when first drawn, then kept: specs are constants. */
const compiled = new Map<ChartKind, { readonly spec: vega.Spec; readonly runtime: vega.Runtime }>();

function compiledOf(kind: ChartKind) {
  let known = compiled.get(kind);
  if (known === undefined) {
    const { spec } = vegaLite.compile(specs[kind]);
    known = { spec, runtime: vega.parse(spec) };
    compiled.set(kind, known);
  }
  return known;
}

export function openDrawer(): Drawer {
  resetSVGDefIds();
  const drawn = new Map<ChartKind, vega.Spec>();
  const functions = recordingCompiler();
  const expr = expressionEvaluator(functions.compile);
  return {
    specs: drawn,
    functions,
    draw(chart, width = chart.width) {
      const { spec, runtime } = compiledOf(chart.kind);
      drawn.set(chart.kind, spec);
      const view = new vega.View(runtime, { renderer: 'none', expr } as vega.ViewOptions);
      view.width(width).height(chart.height);
      for (const [name, value] of Object.entries(chart.signals)) view.signal(name, value);
      for (const [name, rows] of Object.entries(chart.data))
        view.data(
          name,
          rows.map((row) => ({ ...row })),
        );
      return trusted(compact(svgOf(view.run())));
    },
  };
}

/** `View.toSVG` without its promise: with `autosize: none` one synchronous pass settles the layout. */
function svgOf(view: vega.View): string {
  const padding = view.padding() as { left: number; right: number; top: number; bottom: number };
  const [x, y] = view.origin();
  const width = view.width() + padding.left + padding.right;
  const height = view.height() + padding.top + padding.bottom;
  const scene = (view.scenegraph() as unknown as { root: object }).root;
  return new SVGStringRenderer()
    .initialize(null, width, height, [padding.left + x!, padding.top + y!], 1)
    .render(scene)
    .svg();
}

/** What vega exports and its types leave out (vega-scenegraph, SVGStringRenderer.js). */
const { SVGStringRenderer, resetSVGDefIds } = vega as unknown as {
  SVGStringRenderer: new () => SvgRenderer;
  resetSVGDefIds(): void;
};
interface SvgRenderer {
  initialize(element: null, width: number, height: number, origin: readonly number[], scale: number): SvgRenderer;
  render(scene: object): SvgRenderer;
  svg(): string;
}

/**
 * Drops what draws nothing, and decimals below a tenth of a pixel; works tag by tag and leaves text alone. The size
 * comes from `viewBox` and the page's style. Ids get a prefix, because Vega counts its own from zero again when the page
 * draws.
 */
function compact(svg: string): string {
  return svg.replace(/<[^>]+>/g, compactTag);
}

function compactTag(tag: string): string {
  if (tag.startsWith('<svg ')) return rootTag(tag);
  if (/^<(?:path|line) /.test(tag) && (!/ (?:fill|stroke)="(?!none)/.test(tag) || tag.includes(' opacity="0"')))
    return '';
  return tag
    .replace(/ (?:class|role|aria-[a-z]+|pointer-events|font-family)="[^"]*"| opacity="1"/g, '')
    .replace(/(id="|url\(#)clip/, '$1s')
    .replace(/ (?:d|transform|x[12]?|y[12]?|width|height)="[^"]*"/g, (attribute) =>
      attribute.replace(/-?\d+\.\d{2,}(?:e-?\d+)?/g, (number) => String(Math.round(Number(number) * 10) / 10)),
    );
}

function rootTag(tag: string): string {
  const [, width, height] = / width="([^"]+)" height="([^"]+)"/.exec(tag) ?? [];
  return `<svg viewBox="0 0 ${width} ${height}" aria-hidden="true" focusable="false">`;
}
