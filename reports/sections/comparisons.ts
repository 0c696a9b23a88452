import { confidenceText, metricLabel, scenarioNames } from '../figures.js';
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
    : html`<p class="muted">Runs are paired by seed. The ratio is the first plane's figure over the second's. A plane is <q>better</q> or <q>worse</q> only if the interval excludes 1 and there are at least ten pairs.</p>`
}
${scenarioNames(summary).map((scenario) => {
  const rows = summary.comparisons.filter((comparison) => comparison.scenario === scenario);
  return rows.length > 0 && comparisonTable(scenario, rows);
})}`;
}

function comparisonTable(scenario: string, rows: readonly Comparison[]): Markup {
  const methods = [...new Set(rows.flatMap((row) => intervalMethod(row) ?? []))];
  const measures = [...new Set(rows.map(({ metric, statistic }) => metricLabel(metric, statistic)))];
  return html`
<h3>Scenario ${scenario}</h3>
${methods.length === 1 && html`<p class="facts">Intervals: ${methods[0]!}.</p>`}
<div class="scroll" role="region" aria-label="Comparisons in scenario ${scenario}" tabindex="0"><table>
<caption class="unseen">Comparisons in scenario ${scenario}</caption>
<thead><tr><th scope="col">Measure</th><th scope="col">Planes</th><th scope="col" class="number">Ratio</th><th scope="col" class="number">Interval</th><th scope="col" class="number">Pairs</th><th scope="col">The first is</th></tr></thead>
${measures.map((measure) => {
  const own = rows.filter(({ metric, statistic }) => metricLabel(metric, statistic) === measure);
  return html`<tbody>${own.map((row, index) => comparisonRow(row, index === 0 ? { measure, span: own.length } : null, methods.length > 1))}</tbody>
`;
})}</table></div>`;
}

function comparisonRow(row: Comparison, head: { measure: string; span: number } | null, method: boolean): Markup {
  const { candidate, reference, ratio, confidenceInterval, pairs, outcome } = row;
  return html`
<tr>${head !== null && html`<th scope="rowgroup" rowspan="${head.span}">${head.measure}</th>`}<td class="pair">${candidate} / ${reference}</td>
<td class="number">${ratio === null ? 'none' : formatRatio(ratio)}</td>
<td class="number">${confidenceInterval === null ? 'none' : `${formatRatio(confidenceInterval.lowerBound)} to ${formatRatio(confidenceInterval.upperBound)}`}${method && confidenceInterval !== null && html`<span class="sub">${intervalMethod(row)!}</span>`}</td>
<td class="number">${pairs}</td><td>${mark(outcome)}</td></tr>`;
}

function intervalMethod({ method, confidenceInterval }: Comparison): string | null {
  return confidenceInterval === null ? null : `${method}, ${confidenceText(confidenceInterval.confidenceLevel)}`;
}
