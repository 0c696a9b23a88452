import { confidenceText, metricLabel, scenarioNames } from '../figures.js';
import { html, type Markup } from '../markup.js';
import type { Comparison, Summary } from '../summary.js';
import { formatRatio } from '../units.js';
import { mark } from './marks.js';

/** Every paired comparison with its interval, whoever won. */
export function comparisonsSection(summary: Summary): Markup {
  if (summary.comparisons.length === 0) {
    return html`<h2 id="comparisons">Comparisons</h2><p>No planes were compared.</p>`;
  }
  return html`
<h2 id="comparisons">Comparisons</h2>
<p class="muted">Runs are paired by seed. The ratio is the first plane's figure over the second's. A plane is <q>better</q> or <q>worse</q> only if the interval excludes 1 and there are at least ten pairs.</p>
${scenarioNames(summary).map((scenario) => {
  const rows = summary.comparisons.filter((comparison) => comparison.scenario === scenario);
  return rows.length > 0 && comparisonTable(scenario, rows);
})}`;
}

function comparisonTable(scenario: string, rows: readonly Comparison[]): Markup {
  return html`
<div class="scroll" role="region" aria-label="Comparisons in scenario ${scenario}" tabindex="0"><table>
<caption>Paired comparisons in scenario ${scenario}</caption>
<thead><tr><th scope="col">Measure</th><th scope="col">Planes</th><th scope="col" class="number">Ratio</th><th scope="col" class="number">Interval</th><th scope="col" class="number">Pairs</th><th scope="col">The first is</th></tr></thead>
<tbody>
${rows.map(
  ({ metric, statistic, candidate, reference, ratio, confidenceInterval, pairs, method, outcome }) => html`<tr>
<th scope="row">${metricLabel(metric, statistic)}</th><td>${candidate} / ${reference}</td>
<td class="number">${ratio === null ? 'none' : formatRatio(ratio)}</td>
<td class="number">${confidenceInterval === null ? 'none' : `${formatRatio(confidenceInterval.lowerBound)} to ${formatRatio(confidenceInterval.upperBound)}`}<span class="sub">${confidenceInterval ? `${method}, ${confidenceText(confidenceInterval.confidenceLevel)}` : method}</span></td>
<td class="number">${pairs}</td><td>${mark(outcome)}</td></tr>
`,
)}</tbody></table></div>`;
}
