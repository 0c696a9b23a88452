import { swatch } from '../charts/gallery.js';
import {
  type Cell,
  confidenceText,
  countRows,
  type FigureRow,
  type FigureTable,
  loadOf,
  partOf,
  planeNames,
  timeScaleText,
} from '../figures.js';
import { html, type Markup } from '../markup.js';
import type { ScenarioSummary, Summary } from '../summary.js';
import { formatCount, formatSetting } from '../units.js';

/** The comparison: planes as columns. On a narrow page each row becomes a block; the roles keep it a table to readers. */
export function figuresSection(summary: Summary, tables: readonly FigureTable[]): Markup {
  const all = planeNames(summary);
  return html`
<h2 id="figures">Figures</h2>
<p class="muted">Each figure stands above its interval over runs. <q>best</q> marks a plane that a paired comparison found better than every other; where none is marked, no winner was established.</p>
${tables.map((table) =>
  scenarioFigures(
    table,
    all,
    summary.run.scenarios.find(({ name }) => name === table.scenario),
  ),
)}`;
}

function scenarioFigures(table: FigureTable, all: readonly string[], load: ScenarioSummary | undefined): Markup {
  const main = partOf(table, 'main');
  const other = partOf(table, 'other');
  return html`
<h3>Scenario ${table.scenario}</h3>
${load !== undefined && html`<p class="facts">${loadOf(load)}; ${formatSetting(load.measuredUs, 'us')} measured; ${load.fault === null ? 'no fault' : `fault: ${load.fault}`}; freshness SLO ${formatSetting(load.freshnessSloUs, 'us')} at p95, ${timeScaleText(load.timeScale)}.</p>`}
${main && figureTable(main, `Figures of scenario ${table.scenario}`, all)}
${other && html`<details><summary>${countRows(other)} more figures of this scenario</summary>${figureTable(other, `More figures of scenario ${table.scenario}`, all)}</details>`}`;
}

function figureTable({ planes, groups }: FigureTable, caption: string, all: readonly string[]): Markup {
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table class="figures stack" role="table">
<caption class="unseen">${caption}, planes as columns</caption>
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Measure</th>${planes.map(
    (plane) => html`<th role="columnheader" scope="col" class="cell">${planeName(plane, all.indexOf(plane))}</th>`,
  )}<th role="columnheader" scope="col">How it is known</th></tr></thead>
${groups.map(
  ({ title, rows }) => html`
<tbody role="rowgroup"><tr role="row" class="group"><th role="rowheader" scope="rowgroup" colspan="${planes.length + 2}">${title}</th></tr>
${rows.map(figureRow)}</tbody>`,
)}
</table></div>`;
}

const directions = { lower: 'lower is better', higher: 'higher is better', neither: '' } as const;

function figureRow(row: FigureRow): Markup {
  const hint = [row.meaning, directions[row.better]].filter((text) => text !== '').join('; ');
  return html`<tr role="row"><th role="rowheader" scope="row">${row.label}<span class="sub">${hint}</span></th>${row.cells.map(figureCell)}<td role="cell" class="basis">${basis(row)}</td></tr>
`;
}

function figureCell(cell: Cell): Markup {
  const note = cell.note !== null && html`<span class="note">${cell.note}</span>`;
  const content =
    cell.kind === 'words'
      ? html`<span class="words">${cell.words}</span>${note}`
      : html`<span class="value">${cell.best && html`<span class="best">best</span>`}${cell.text}</span><span class="interval">${cell.interval ?? 'no interval'}</span>${note}`;
  return html`<td role="cell" class="cell" data-label="${cell.plane}">${content}</td>`;
}

/** Badge, method, confidence, runs and samples of a row, each said once where the planes agree. */
function basis({ basis: { badge, stack, timeScale }, note, cells }: FigureRow): Markup {
  const figures = cells.filter((cell) => cell.kind === 'figure');
  const methods = [...new Set(figures.map(({ method }) => method))].join(' or ');
  const levels = [
    ...new Set(
      figures.flatMap(({ confidenceLevel }) => (confidenceLevel === null ? [] : [confidenceText(confidenceLevel)])),
    ),
  ];
  const runs = [...new Set(figures.map((cell) => cell.runs))];
  const counted =
    figures.length === 0 ? '' : `${(runs.length === 1 ? runs : figures.map((cell) => cell.runs)).join(', ')} runs`;
  const samples = Math.min(...figures.map((cell) => cell.samples));
  const size = figures.length === 0 ? '' : `at least ${formatCount(samples)} samples`;
  const text = [[methods, ...levels].filter((part) => part !== '').join(', '), counted, size]
    .filter((part) => part !== '')
    .join('; ');
  return html`<span class="badges"><span class="badge ${badge}">${badge}</span><span class="badge">${stack}</span><span class="badge">${timeScaleText(timeScale)}</span></span><span class="sub">${text}</span>${note !== null && html`<span class="sub">${note}</span>`}`;
}

export function planeName(plane: string, index: number): Markup {
  return html`<span class="plane">${swatch(index)}<b>${plane}</b></span>`;
}
