import type { Gallery } from '../charts/gallery.js';
import { soakChart } from '../charts/soak.js';
import { html, type Markup } from '../markup.js';
import { failureText, resourceNames, resourceSentence, soakCounts } from '../soak.js';
import type { SoakResource, SoakSummary } from '../summary.js';
import { formatCount, formatValue } from '../units.js';
import { mark } from './marks.js';

/** Whether anything is left behind, run after run. */
export function soakSection(soak: SoakSummary, gallery: Gallery): Markup {
  return html`
<h2 id="soak">Soak</h2>
<p>${soakCounts(soak)}</p>
${soak.failed.length > 0 && failures(soak.failed)}
<p class="muted">What the harness held after each run. Dashed: the trend over the second half of the runs, in which caches are full. It <q>levels off</q> if even at the upper bound it grows by less than 5 % of its level there; the interval takes the runs as independent.</p>
<div class="runs">${soak.resources.map((resource) => resourceFigure(resource, soak.runs, gallery))}</div>`;
}

/** More than this many stand behind a fold. */
const shown = 12;

function failures(all: SoakSummary['failed']): Markup {
  const list = (part: typeof all) => html`<ul>${part.map((failure) => html`<li>${failureText(failure)}</li>`)}</ul>`;
  return html`${list(all.slice(0, shown))}${all.length > shown && html`<details><summary>${formatCount(all.length - shown)} more runs that did not pass</summary>${list(all.slice(shown))}</details>`}`;
}

function resourceFigure(resource: SoakResource, runs: number, gallery: Gallery): Markup {
  const name = resourceNames[resource.resource];
  const { points, trend, unit } = resource;
  const sentence = resourceSentence(resource);
  const drawn =
    points.length > 0 &&
    html`
${gallery.place(soakChart(resource, runs), `Line chart: ${name} over ${formatCount(runs)} runs. ${sentence}`)}
<button type="button" class="explore" hidden>Explore values</button>
<details><summary>Numbers of this chart</summary>
<div class="scroll" role="region" aria-label="${name}" tabindex="0"><table class="numbers"><caption>${name} after each run</caption>
<thead><tr><th scope="col">Run</th><th scope="col" class="number">Held</th></tr></thead>
<tbody>${points.map(
      ({ run, value }) => html`
<tr><th scope="row">${formatCount(run)}</th><td>${formatValue(value, unit)}</td></tr>`,
    )}</tbody></table></div></details>`;
  return html`<figure>
<figcaption><b>${name}</b> ${mark(trend?.outcome ?? 'undecided', trend?.outcome ?? 'not known')}<span class="sub">${sentence}</span></figcaption>${drawn}
</figure>`;
}
