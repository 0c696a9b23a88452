import { planeNames, scenarioNames } from '../figures.js';
import { findingMeaning, leftOut } from '../findings.js';
import { html, type Markup } from '../markup.js';
import type { Summary } from '../summary.js';
import { mark } from './marks.js';

/** Which runs count, which do not, and what that means. */
export function validitySection(summary: Summary): Markup {
  const { series, validity } = summary;
  const invalid = series.filter(({ valid }) => !valid).length;
  const verdict = validity.valid
    ? 'The suite is valid.'
    : 'The suite is not valid: no conclusion may be drawn from it.';
  const counted =
    series.length === 0
      ? 'The summary holds no runs.'
      : invalid === 0
        ? `All ${series.length} runs count.`
        : `${series.length - invalid} of ${series.length} runs count; ${invalid} invalid.`;
  return html`
<h2 id="validity">Validity</h2>
<p>${verdict} ${counted}</p>
${
  validity.findings.length > 0 &&
  html`<ul class="findings">${validity.findings.map(
    (finding) => html`
<li><strong>${finding.run}</strong> <span class="sub">${finding.architecture}, repetition ${finding.repetition}, <code>${finding.code}</code></span>
<p>${finding.message}</p><p class="muted">${findingMeaning(finding.code)} ${leftOut}</p></li>`,
  )}</ul>`
}
${series.length > 0 && scenarioNames(summary).map((scenario) => runTable(summary, scenario))}`;
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
