import { countedRuns } from '../findings.js';
import { html, type Markup } from '../markup.js';
import type { Summary } from '../summary.js';
import { mark } from './marks.js';

const titles = { pass: 'Pass', fail: 'Fail', inconclusive: 'Inconclusive' } as const;

/** What it comes to, in words, before anything else. */
export function verdictSection(summary: Summary): Markup {
  const { verdict, validity } = summary;
  const [lede, ...rest] = verdict.sentences;
  return html`
<section class="verdict ${verdict.outcome}" aria-labelledby="verdict">
<h2 id="verdict">${mark(verdict.outcome, titles[verdict.outcome])}</h2>
<p class="lede">${lede ?? 'The summary gives no reason.'}</p>
${rest.length > 0 && html`<ul>${rest.map((sentence) => html`<li>${sentence}</li>`)}</ul>`}
</section>
${!validity.valid && html`<p class="notice"><strong>Not every run is valid.</strong> ${countedRuns(summary)} See <a href="#validity">Validity</a>.</p>`}`;
}
