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
<table class="stack" role="table">
<caption class="unseen">Claims of the paper</caption>
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Claim</th><th role="columnheader" scope="col">Published</th><th role="columnheader" scope="col">Found here</th><th role="columnheader" scope="col">Outcome</th></tr></thead>
<tbody role="rowgroup">${claims.map(
        (claim) => html`
<tr role="row"><th role="rowheader" scope="row">${claim.text}<span class="sub">${claim.id}, ${claim.metric}</span></th><td role="cell" class="prose" data-label="Published"><span>${claim.published}</span></td><td role="cell" class="prose" data-label="Found here"><span>${claim.ours}</span></td><td role="cell" class="prose" data-label="Outcome">${mark(claim.outcome)}</td></tr>`,
      )}</tbody></table>`
}`;
}

/** "1 confirmed, 1 refuted, 1 inconclusive, 1 not measured". */
export function claimCounts(claims: readonly Claim[]): string {
  const outcomes = ['confirmed', 'refuted', 'inconclusive', 'not measured'] as const;
  return outcomes
    .map((outcome) => `${claims.filter((claim) => claim.outcome === outcome).length} ${outcome}`)
    .join(', ');
}
