import { confidenceText, isMain, metricLabel, scenarioNames } from '../figures.js';
import { html, type Markup } from '../markup.js';
import type { Comparison, Summary } from '../summary.js';
import { formatRatio } from '../units.js';
import { mark } from './marks.js';

/** Every paired comparison with its interval, whoever won. */
export function comparisonsSection(summary: Summary): Markup {
  return html`
<h2 id="comparisons">Comparisons</h2>
${
  summary.comparisons.length === 0
    ? html`<p>No planes were compared.</p>`
    : html`<p class="muted">Runs are paired by seed. The ratio is the first plane's figure over the second's. A plane is <q>better</q> or <q>worse</q> only with at least ten pairs, an interval that excludes equality, and a sign-flip test at 5 %, corrected by Holm over the figures declared in advance (how each was compared says so; of the others, marked exploratory, one in twenty differs by chance); <q>equivalent</q> is within 5 %, of a share within one point. Shares, and figures that may be 0, are compared by difference and have no ratio. A plane does not win by the pairs that are left where others lack a value of its own.</p>`
}
${scenarioNames(summary).map((scenario) => {
  const rows = summary.comparisons.filter((comparison) => comparison.scenario === scenario);
  return rows.length > 0 && scenarioComparisons(scenario, rows);
})}`;
}

function scenarioComparisons(scenario: string, rows: readonly Comparison[]): Markup {
  const main = rows.filter(isMain);
  const other = rows.filter((row) => !isMain(row));
  return html`
<h3>Scenario ${scenario}</h3>
${main.length > 0 && comparisonTable(`Comparisons in scenario ${scenario}`, main)}
${other.length > 0 && html`<details><summary>${other.length} more comparisons in this scenario</summary>${comparisonTable(`More comparisons in scenario ${scenario}`, other)}</details>`}`;
}

function comparisonTable(title: string, rows: readonly Comparison[]): Markup {
  const measures = [...new Set(rows.map(({ metric, statistic }) => metricLabel(metric, statistic)))];
  return html`<table class="comparisons stack" role="table">
<caption class="unseen">${title}</caption>
<thead role="rowgroup"><tr role="row">${[
    'Measure',
    'Planes',
    'Ratio',
    'Interval',
    'The first is',
    'How it was compared',
  ].map(
    (head) =>
      html`<th role="columnheader" scope="col"${(head === 'Ratio' || head === 'Interval') && html` class="number"`}>${head}</th>`,
  )}</tr></thead>
${measures.map((measure) => {
  const own = rows.filter(({ metric, statistic }) => metricLabel(metric, statistic) === measure);
  return html`<tbody role="rowgroup">${own.map((row, index) => comparisonRow(row, index === 0 ? { measure, span: own.length } : null))}</tbody>
`;
})}</table>`;
}

function comparisonRow(row: Comparison, head: { measure: string; span: number } | null): Markup {
  const { candidate, reference, ratio, confidenceInterval, pairs, method, outcome } = row;
  const level = confidenceInterval === null ? '' : `${confidenceText(confidenceInterval.confidenceLevel)}; `;
  const interval =
    confidenceInterval === null
      ? 'none'
      : `${formatRatio(confidenceInterval.lowerBound)} to ${formatRatio(confidenceInterval.upperBound)}`;
  return html`
<tr role="row">${head !== null && html`<th role="rowheader" class="span" scope="rowgroup" rowspan="${head.span}">${head.measure}</th>`}<td role="cell" class="pair">${candidate} / ${reference}</td>
<td role="cell" class="number" data-label="Ratio"><span>${ratio === null ? 'none' : formatRatio(ratio)}</span></td>
<td role="cell" class="number" data-label="Interval"><span>${interval}</span></td>
<td role="cell" data-label="The first is">${mark(outcome)}</td><td role="cell"><span class="sub">${level}${pairs} ${pairs === 1 ? 'pair' : 'pairs'}; ${method}</span></td></tr>`;
}
