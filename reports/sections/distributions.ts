import type { Chart } from '../charts/drawing.js';
import type { Gallery } from '../charts/gallery.js';
import { percentilesChart, percentText } from '../charts/percentiles.js';
import { visibilityChart } from '../charts/visibility.js';
import { planeNames, scenarioNames } from '../figures.js';
import { html, type Markup } from '../markup.js';
import type { Summary } from '../summary.js';
import { formatValue } from '../units.js';
import { planeName } from './figures.js';

/** Latency by percentile and freshness as a distribution, a line a plane. */
export function distributionsSection(summary: Summary, gallery: Gallery): Markup {
  const planes = planeNames(summary);
  const parts = scenarioNames(summary).map((scenario) => scenarioCharts(summary, scenario, planes, gallery));
  return html`<h2 id="distributions">Latency and freshness</h2>
${parts.some((part) => part !== null) ? parts : html`<p>No valid run left a distribution.</p>`}`;
}

function scenarioCharts(
  summary: Summary,
  scenario: string,
  planes: readonly string[],
  gallery: Gallery,
): Markup | null {
  const runs = summary.series.filter((run) => run.scenario === scenario);
  const estimates = summary.estimates.filter((estimate) => estimate.scenario === scenario);
  const sloUs = summary.run.scenarios.find(({ name }) => name === scenario)?.freshnessSloUs ?? null;
  const latency = percentilesChart(
    planes,
    runs,
    estimates.filter(({ metric }) => metric === 'inference'),
  );
  const freshness = visibilityChart(
    planes,
    runs,
    estimates.filter(({ metric }) => metric === 'freshness.visibility'),
    sloUs,
  );
  if (latency === null && freshness === null) return null;
  const shown = planes.filter((plane) => runs.some((run) => run.architecture === plane));
  return html`
<h3>Scenario ${scenario}</h3>
<div class="legend">${shown.map((plane) => planeName(plane, planes.indexOf(plane)))}</div>
<div class="charts">
${latency && distribution(gallery, latency, 'Prediction latency by percentile', 'Time from the intended start of a prediction to its answer; both axes are logarithmic, so each further nine takes the same room. Points with bars: estimates over all runs with their intervals. Lines: median of the runs; bands: lowest to highest run. A line ends where its figure is insufficient.')}
${freshness && distribution(gallery, freshness, 'Changes visible within a time', 'Share of changes that a read showed within the time on the axis, which is logarithmic. Lines: median of the runs; bands: lowest to highest run. A line ends where changes were not seen to become visible.')}
</div>`;
}

interface CurveRow {
  readonly plane: string;
  readonly p: number;
  readonly middle: number;
  readonly low: number;
  readonly high: number;
}

function distribution(gallery: Gallery, chart: Chart, title: string, caption: string): Markup {
  const curves = chart.data.curves as readonly CurveRow[];
  const planes = [...new Set(curves.map(({ plane }) => plane))];
  const positions = [...new Set(curves.map(({ p }) => p))].sort((a, b) => a - b);
  return html`<figure>
<figcaption><b>${title}</b><span class="sub">${caption}</span></figcaption>
${gallery.place(chart, `Line chart: ${title}, for ${planes.join(', ')}. The same numbers are in the table below.`, 258)}
<button type="button" class="explore" hidden>Explore values</button>
<details><summary>Numbers of this chart</summary>
<div class="scroll" role="region" aria-label="Numbers of: ${title}" tabindex="0"><table class="numbers"><caption>${title}: median of the runs, lowest to highest run</caption>
<thead><tr><th scope="col">Percentile</th>${planes.map((plane) => html`<th scope="col" class="number">${plane}</th>`)}</tr></thead>
<tbody>${positions.map(
    (position) => html`
<tr><th scope="row">${percentText(position)}</th>${planes.map((plane) => {
      const row = curves.find((candidate) => candidate.plane === plane && candidate.p === position);
      return html`<td>${
        row === undefined
          ? 'not known'
          : html`${formatValue(row.middle, 'us')}<span class="sub">${formatValue(row.low, 'us')} to ${formatValue(row.high, 'us')}</span>`
      }</td>`;
    })}</tr>`,
  )}</tbody></table></div></details>
</figure>`;
}
