import { html, type Markup } from '../markup.js';
import type { Claim } from '../summary.js';
import { mark } from './marks.js';

/** The paper's claims beside what was found here, confirmed or not. */
export function claimsSection(claims: readonly Claim[]): Markup {
  return html`
<h2 id="claims">Claims of the paper</h2>
${
  claims.length === 0
    ? html`<p>This suite checks none.</p>`
    : html`<p class="muted">${claimCounts(claims)}.</p>
<div class="scroll" role="region" aria-label="Claims of the paper" tabindex="0"><table>
<caption class="unseen">Claims of the paper</caption>
<thead><tr><th scope="col">Claim</th><th scope="col">Published</th><th scope="col">Found here</th><th scope="col">Outcome</th></tr></thead>
<tbody>${claims.map(
        (claim) => html`
<tr><th scope="row" class="long">${claim.text}<span class="sub">${claim.id}, ${claim.metric}</span></th><td class="long">${claim.published}</td><td class="long">${claim.ours}</td><td>${mark(claim.outcome)}</td></tr>`,
      )}</tbody></table></div>`
}`;
}

/** "1 confirmed, 1 refuted, 1 inconclusive, 1 not measured". */
export function claimCounts(claims: readonly Claim[]): string {
  const outcomes = ['confirmed', 'refuted', 'inconclusive', 'not measured'] as const;
  return outcomes
    .map((outcome) => `${claims.filter((claim) => claim.outcome === outcome).length} ${outcome}`)
    .join(', ');
}
