import type { Gallery } from '../charts/gallery.js';
import { middleOf, type ProcessUse, processAxes, processesChart, processUses } from '../charts/processes.js';
import { planeNames, scenarioNames } from '../figures.js';
import { html, type Markup } from '../markup.js';
import type { Summary, Unit } from '../summary.js';
import { formatNumber, formatValue, scaleOf, withSuffix } from '../units.js';
import { planeName } from './figures.js';

/** What each process of a plane took from the machine. */
export function processesSection(summary: Summary, gallery: Gallery): Markup {
  const planes = planeNames(summary);
  const scenarios = scenarioNames(summary).map((scenario) => {
    const runs = summary.series.filter((run) => run.scenario === scenario);
    const uses = planes.map((plane) => processUses(plane, runs));
    const axes = processAxes(uses.flat());
    return html`${
      uses.some((own) => own.length > 0) &&
      html`
<h3>Scenario ${scenario}</h3>
<div class="runs">${planes.map((plane, index) => uses[index]!.length > 0 && planeFigure(plane, index, uses[index]!, axes, gallery))}</div>`
    }`;
  });
  return html`
<h2 id="processes">CPU and memory by process</h2>
<p class="muted">Bars: the middle run; ticks: each valid run. CPU is the mean number of cores in use, memory the highest resident size. The axes are the same for all planes of a scenario.</p>
${scenarios}`;
}

function planeFigure(
  plane: string,
  index: number,
  uses: readonly ProcessUse[],
  axes: ReturnType<typeof processAxes>,
  gallery: Gallery,
): Markup {
  const alternative = (quantity: string) =>
    `Bar chart: ${quantity} of each process of ${plane}. The same numbers are in the table below.`;
  const hasMemory = uses.some(({ peakRssBytes }) => peakRssBytes.length > 0);
  return html`<figure>
<figcaption>${planeName(plane, index)}</figcaption>
<p class="panel">CPU, cores</p>
${gallery.place(processesChart('cores', uses, index, axes.cores), alternative('CPU cores'))}
${
  hasMemory &&
  html`<p class="panel">Memory, peak resident size</p>
${gallery.place(processesChart('bytes', uses, index, axes.bytes), alternative('peak memory'))}`
}
<button type="button" class="explore" hidden>Explore values</button>
<details><summary>Numbers of these charts</summary>
<div class="scroll" role="region" aria-label="Processes of ${plane}" tabindex="0"><table><caption>Processes of ${plane}: middle of the runs, lowest to highest</caption>
<thead><tr><th scope="col">Process</th><th scope="col">Kind</th><th scope="col" class="number">CPU</th><th scope="col" class="number">Memory</th></tr></thead>
<tbody>${uses.map(
    ({ name, kind, cpuCores, peakRssBytes }) => html`
<tr><th scope="row">${name}</th><td>${kind}</td><td class="number">${spread(cpuCores, 'cores')}</td><td class="number">${spread(peakRssBytes, 'bytes')}</td></tr>`,
  )}</tbody></table></div></details>
</figure>`;
}

function spread(sorted: readonly number[], unit: Unit): Markup {
  if (sorted.length === 0) return html`not simulated`;
  const middle = middleOf(sorted);
  const scale = scaleOf(middle, unit);
  return html`${formatValue(middle, unit)}<span class="sub">${formatNumber(sorted[0]!, scale)} to ${withSuffix(formatNumber(sorted.at(-1)!, scale), scale)}</span>`;
}
