import { planeNames, scenarioNames } from '../figures.js';
import { countedRuns, explainedFindings } from '../findings.js';
import { html, type Markup } from '../markup.js';
import type { Summary } from '../summary.js';
import { mark } from './marks.js';

/** Which runs count, which do not, and what that means. */
export function validitySection(summary: Summary): Markup {
  const findings = explainedFindings(summary);
  return html`
<h2 id="validity">Validity</h2>
<p>${countedRuns(summary)}</p>
${
  findings.length > 0 &&
  html`<ul class="findings">${findings.map(
    ({ run, architecture, repetition, code, message, invalid, explanation }) => html`
<li>${mark(invalid ? 'invalid' : 'inconclusive', invalid ? 'invalid' : 'incomplete')} <strong>${run}</strong> <span class="sub">${architecture}, repetition ${repetition}, <code>${code}</code></span>
<p>${message}</p><p class="muted">${explanation}</p></li>`,
  )}</ul>`
}
${summary.series.length > 0 && scenarioNames(summary).map((scenario) => runTable(summary, scenario))}`;
}

function runTable(summary: Summary, scenario: string): Markup | null {
  const runs = summary.series.filter((run) => run.scenario === scenario);
  const planes = planeNames(summary).filter((plane) => runs.some((run) => run.architecture === plane));
  const repetitions = [...new Set(runs.map(({ repetition }) => repetition))].sort((a, b) => a - b);
  if (runs.length === 0) return null;
  return html`<div class="scroll" role="region" aria-label="Runs of scenario ${scenario}" tabindex="0"><table>
<caption>Runs of scenario ${scenario}</caption>
<thead><tr><th scope="col">Repetition</th>${planes.map((plane) => html`<th scope="col">${plane}</th>`)}</tr></thead>
<tbody>${repetitions.map(
    (repetition) => html`
<tr><th scope="row">${repetition}</th>${planes.map((plane) => {
      const run = runs.find((candidate) => candidate.architecture === plane && candidate.repetition === repetition);
      return html`<td>${run === undefined ? 'no run' : mark(run.valid ? 'valid' : 'invalid')}</td>`;
    })}</tr>`,
  )}</tbody></table></div>`;
}
