import {
  type ClockText,
  clockMeanings,
  clocks,
  clockText,
  type FaultCell,
  type FaultRow,
  type FaultTable,
  fateCounts,
  faultConfidence,
  faultContrasts,
  faultFindings,
  sloTexts,
  struckOutcomes,
} from '../faults.js';
import { basisText, confidenceText, planeNames } from '../figures.js';
import { html, type Markup } from '../markup.js';
import type { FaultOutcome, Summary } from '../summary.js';
import { planeName } from './figures.js';
import { fateMark } from './marks.js';

/** What each fault did to each plane: what was lost, in words, and how long it hurt. */
export function faultsSection(summary: Summary, tables: readonly FaultTable[]): Markup {
  return html`
<h2 id="faults">Faults</h2>
<p class="muted">A plane survived a fault if nothing was lost, duplicated, wrong or torn once it had been healed and drained, and no read went back; a plane that declares to correct itself (Lambda) is judged after its own correction. How long it hurt is another question: see the recovery below.</p>
${tables.map((table) => faultTable(summary, table))}`;
}

function faultTable(summary: Summary, table: FaultTable): Markup {
  const all = planeNames(summary);
  const basis = basisText(table.basis);
  const contrasts = faultContrasts(summary, table);
  return html`
<h3>Fault by plane: ${basis}</h3>
<p>${fateCounts(table)}.</p>
${grid(table, basis, all)}
${findings(table)}
${contrasts.length > 0 && html`<h4>Where one plane did better</h4><ul>${contrasts.map((sentence) => html`<li>${sentence}</li>`)}</ul>`}
${recovery(table, basis)}`;
}

function grid({ planes, rows }: FaultTable, basis: string, all: readonly string[]): Markup {
  const caption = `What each fault did to each plane, ${basis}`;
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table class="faults stack" role="table">
<caption class="unseen">${caption}</caption>
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Fault</th>${planes.map((plane) => html`<th role="columnheader" scope="col">${planeName(plane, all.indexOf(plane))}</th>`)}</tr></thead>
<tbody role="rowgroup">${rows.map(
    (row) => html`
<tr role="row"><th role="rowheader" scope="row">${rowHead(row)}</th>${row.cells.map(gridCell)}</tr>`,
  )}</tbody></table></div>`;
}

function rowHead({ fault, scenario }: FaultRow): Markup {
  return html`${fault}${scenario !== null && html`<span class="sub">scenario ${scenario}</span>`}`;
}

function gridCell({ plane, fate, words, notes, outcome }: FaultCell): Markup {
  const target = outcome?.target ?? '';
  return html`<td role="cell" class="prose" data-label="${plane}"><div>${fateMark(fate)}${fate === 'harmed' && words.map((word) => html`<span class="harm">${word}</span>`)}${target !== '' && html`<span class="sub">target: ${target}</span>`}${notes.map((note) => html`<span class="sub">${note}</span>`)}</div></td>`;
}

/** More than this many stand behind a fold. */
const shown = 12;

function findings(table: FaultTable): Markup | null {
  const all = faultFindings(table);
  if (all.length === 0) return null;
  const list = (part: typeof all) =>
    html`<ul class="findings">${part.map(
      ({ plane, fault, messages }) => html`
<li><strong>${plane}</strong>, ${fault}${messages.map((message) => html`<p>${message}</p>`)}</li>`,
    )}</ul>`;
  return html`<h4>Findings, worst first</h4>
${list(all.slice(0, shown))}
${all.length > shown && html`<details><summary>${all.length - shown} more findings</summary>${list(all.slice(shown))}</details>`}`;
}

function recovery(table: FaultTable, basis: string): Markup {
  const caption = `Recovery after each fault, ${basis}`;
  const struck = table.rows
    .map((row) => ({ row, outcomes: struckOutcomes(row) }))
    .filter(({ outcomes }) => outcomes.length > 0);
  if (struck.length === 0) return html`<p>No fault struck in a valid run, so there is no recovery to show.</p>`;
  const level = faultConfidence(table);
  const heads = ['Plane', 'SLO lost', ...clocks.map(({ label }) => label)];
  return html`<h4>Recovery</h4>
<p class="muted">Means over injections since the injection${level !== null && html`, above intervals over runs (${confidenceText(level)})`}. Every clock is read from outside, hence up to one probe too late.</p>
<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table class="recovery stack" role="table">
<caption class="unseen">${caption}</caption>
<thead role="rowgroup"><tr role="row">${heads.map((head, index) => html`<th role="columnheader" scope="col"${index > 1 && html` class="number"`}>${head}</th>`)}</tr></thead>
${struck.map(
  ({ row, outcomes }) => html`
<tbody role="rowgroup"><tr role="row" class="group"><th role="rowheader" scope="rowgroup" colspan="${heads.length}">${rowHead(row)}</th></tr>${outcomes.map(recoveryRow)}</tbody>`,
)}</table></div>
<details><summary>What the clocks are</summary><dl>${clockMeanings.map(([term, meaning]) => html`<dt>${term}</dt><dd>${meaning}</dd>`)}</dl></details>`;
}

/** The note of the MTTR, which says what it is the time of, has a line of its own: it is long. */
function recoveryRow(outcome: FaultOutcome): Markup {
  const { note } = clockText(outcome, 'mttr');
  return html`
<tr role="row"><th role="rowheader" scope="row">${outcome.architecture}</th><td role="cell" class="prose" data-label="SLO lost"><div>${sloTexts(outcome).map(({ name, lost, text }) => html`<span class="value">${name} ${lost ? html`<strong>${text}</strong>` : text}</span>`)}</div></td>${clocks.map(({ clock, label }) => clockCell(clockText(outcome, clock), label, clock !== 'mttr'))}</tr>${
    note !== null &&
    html`
<tr role="row" class="remark"><td role="cell" colspan="${clocks.length + 2}"><span class="sub">MTTR of ${outcome.architecture}: ${note}</span></td></tr>`
  }`;
}

function clockCell({ text, interval, note }: ClockText, label: string, withNote: boolean): Markup {
  return html`<td role="cell" class="number" data-label="${label}"><div><span class="value">${text}</span>${interval !== null && html`<span class="interval">${interval}</span>`}${withNote && note !== null && html`<span class="sub">${note}</span>`}</div></td>`;
}
