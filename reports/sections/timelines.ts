import type { Gallery } from '../charts/gallery.js';
import type { Ticks } from '../charts/ticks.js';
import { panels, strikeText, timelineAxes, timelineCharts } from '../charts/timeline.js';
import { planeNames, scenarioNames } from '../figures.js';
import { html, type Markup } from '../markup.js';
import type { RunSeries, Summary } from '../summary.js';
import { formatValue } from '../units.js';
import { planeName } from './figures.js';
import { mark } from './marks.js';

/** Every run over time; runs of one repetition, which share a seed, side by side. */
export function timelinesSection(summary: Summary, gallery: Gallery): Markup {
  const scenarios = scenarioNames(summary).filter((name) => summary.series.some((run) => run.scenario === name));
  return html`
<h2 id="timelines">Runs over time</h2>
<p class="muted">Shaded: from the injection of a fault until it was healed; shaded lightly: until what was struck was in service again. Numbers stand for the faults listed with the run. Dotted: start and end of the measured window. Dashed: the freshness SLO. A gap in a line means that nothing was observed, or, of freshness, that more than a twentieth of the changes offered then was never seen to become visible. Errors are counted per interval of the line. The axes are the same for all runs of a scenario.</p>
${scenarios.length === 0 ? html`<p>The summary holds no runs.</p>` : scenarios.map((scenario) => scenarioTimelines(summary, scenario, gallery))}`;
}

function scenarioTimelines(summary: Summary, scenario: string, gallery: Gallery): Markup {
  const runs = summary.series.filter((run) => run.scenario === scenario);
  const sloUs = summary.run.scenarios.find(({ name }) => name === scenario)?.freshnessSloUs ?? null;
  const axes = timelineAxes(runs, sloUs);
  const endUs = Math.max(
    1,
    ...runs.flatMap((run) => [run.measureEndUs, ...run.timeline.map(({ atUs }) => atUs + run.intervalUs)]),
  );
  const planes = planeNames(summary);
  const repetitions = [...new Set(runs.map(({ repetition }) => repetition))].sort((a, b) => a - b);
  return html`
<h3>Scenario ${scenario}</h3>
${repetitions.map((repetition, index) => {
  const own = runs.filter((run) => run.repetition === repetition);
  const invalid = own.filter(({ valid }) => !valid).length;
  return html`<details class="repetition"${index === 0 && html` open`}><summary>Repetition ${repetition}${invalid > 0 && html` (${invalid} invalid)`}</summary>
<div class="runs">${own.map((run) => runFigure(run, planes.indexOf(run.architecture), axes, endUs, sloUs, gallery))}</div></details>
`;
})}`;
}

function runFigure(
  run: RunSeries,
  plane: number,
  axes: readonly Ticks[],
  endUs: number,
  sloUs: number | null,
  gallery: Gallery,
): Markup {
  const charts = timelineCharts(run, plane, axes, endUs, sloUs);
  return html`<figure>
<figcaption>${planeName(run.architecture, plane)}${!run.valid && html` ${mark('invalid', 'invalid: in no figure')}`}${strikes(run)}</figcaption>
${charts.map(
  ({ title, chart }) => html`<p class="panel">${title}</p>
${gallery.place(chart, `Line chart: ${title} of ${run.architecture} over the seconds of repetition ${run.repetition}. ${strikesInAlternative(run)}`)}`,
)}
<button type="button" class="explore" hidden>Explore values</button>
<details><summary>Numbers of this run</summary>
<div class="scroll" role="region" aria-label="Numbers of run ${run.run}" tabindex="0"><table class="numbers"><caption>${run.run}</caption>
<thead><tr><th scope="col">At</th>${panels.map(({ title }) => html`<th scope="col" class="number">${title}</th>`)}</tr></thead>
<tbody>${run.timeline.map(
    (interval) => html`
<tr><th scope="row">${formatValue(interval.atUs, 'us')}</th>${panels.map(({ unit, read }) => {
      const value = read(interval);
      return html`<td>${value === null ? 'none' : formatValue(value, unit === 'changes' ? 'count' : unit)}</td>`;
    })}</tr>`,
  )}</tbody></table></div></details>
</figure>`;
}

/** One fault in the caption's words; several as a list, whose numbers stand at the bands. */
function strikes({ faults }: RunSeries): Markup {
  if (faults.length === 0) return html`<span class="sub">No fault.</span>`;
  if (faults.length === 1) return html`<span class="sub">${strikeText(faults[0]!)}.</span>`;
  return html`<ol class="strikes">${faults.map((fault) => html`<li>${strikeText(fault)}.</li>`)}</ol>`;
}

function strikesInAlternative({ faults }: RunSeries): string {
  if (faults.length === 0) return 'No fault.';
  return faults.length === 1 ? `${strikeText(faults[0]!)}.` : `${faults.length} faults, listed above.`;
}
