/** The charts of one page: drawn where they stand, and collected for the part of the page that can be explored. */
import { html, json, type Markup, trusted } from '../markup.js';
import { type Chart, openDrawer } from './drawing.js';
import { expressionEvaluator } from './expressions.js';
import { lookOf } from './theme.js';

export interface Gallery {
  /** The chart as an image with a text alternative; a second drawing of `narrowWidth` for phones, where one is given. */
  place(chart: Chart, alternative: string, narrowWidth?: number): Markup;
  /** What the page's script needs to draw the placed charts anew: a data block, to be called last. */
  data(): Markup;
  /** Source of the compiled expressions and of the evaluator that looks them up. */
  evaluator(): string;
}

export function openGallery(): Gallery {
  const drawer = openDrawer();
  const charts: Chart[] = [];
  return {
    place(chart, alternative, narrowWidth) {
      const id = charts.push(chart) - 1;
      const wide = drawer.draw(chart);
      const drawings =
        narrowWidth === undefined
          ? html`<div>${wide}</div>`
          : html`<div class="wide">${wide}</div><div class="narrow">${drawer.draw(chart, narrowWidth)}</div>`;
      return html`<div class="drawing" data-chart="${id}" role="img" aria-label="${alternative}">${drawings}</div>`;
    },
    data: () =>
      html`<script type="application/json" id="charts">${json({ specs: Object.fromEntries(drawer.specs), charts: charts.map(packed) })}</script>`,
    evaluator: () =>
      `(${expressionEvaluator.toString()})((functions => (parameters, body) => functions.get(parameters + ':' + body))(new Map(${drawer.functions.source()})))`,
  };
}

/** Rows as columns, a column of one value as that value: a fifth of the size. The page's script unpacks them. */
function packed(chart: Chart): object {
  const data = Object.entries(chart.data).map(([name, rows]) => {
    const fields = Object.keys(rows[0] ?? {});
    const columns = fields.map((field) => {
      const values = rows.map((row) => (row as Record<string, unknown>)[field]);
      const [first] = values;
      return [field, values.every((value) => value === first) ? { all: first } : values];
    });
    return [name, { rows: rows.length, columns: Object.fromEntries(columns) }];
  });
  return { ...chart, data: Object.fromEntries(data) };
}

/** Line and marker of the plane at this place of the list, as its charts draw it. */
export function swatch(index: number): Markup {
  const { color, dash, shape } = lookOf(index);
  return trusted(
    `<svg class="swatch" viewBox="0 0 30 12" width="30" height="12" aria-hidden="true" focusable="false"><path d="M0,6H30" stroke="${color}" stroke-width="2" stroke-dasharray="${dash.join(',')}"/><path d="${markers[shape]}" fill="${color}"/></svg>`,
  );
}

const markers = {
  circle: 'M11,6a4,4 0 1,0 8,0a4,4 0 1,0 -8,0Z',
  square: 'M11.5,2.5h7v7h-7Z',
  'triangle-up': 'M15,1.5L19.5,9.5h-9Z',
  diamond: 'M15,1L20,6L15,11L10,6Z',
  cross: 'M13.5,1.5h3v3h3v3h-3v3h-3v-3h-3v-3h3Z',
  'triangle-down': 'M15,10.5L19.5,2.5h-9Z',
} as const;
