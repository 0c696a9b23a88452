import { type CostTable, costTables, howCounted, priceRows, pricesText } from '../costs.js';
import { html, type Markup } from '../markup.js';
import type { Summary } from '../summary.js';

/** What the figures of cost consist of, at which prices. The figures themselves stand with all others. */
export function costSection(summary: Summary): Markup {
  const tables = costTables(summary);
  const { prices } = summary.costs;
  return html`
<h2 id="cost">Cost</h2>
<p class="muted">${pricesText(prices)} ${prices.about}</p>
${tables.length === 0 && html`<p>No valid run could be priced.</p>`}
${tables.map(costTable)}
<details><summary>Prices, and how use is counted</summary>
<div class="scroll" role="region" aria-label="Prices" tabindex="0"><table><caption>Prices, their bounds and their sources</caption>
<thead><tr><th scope="col">Price of</th><th scope="col">Unit</th><th scope="col" class="number">Price</th><th scope="col" class="number">Low to high</th><th scope="col">What it is</th><th scope="col">Seen</th><th scope="col">Where</th></tr></thead>
<tbody>${priceRows(prices).map(
    ({ of, unit, value, band, about, seen, sources }) => html`
<tr><th scope="row">${of}</th><td>${unit}</td><td class="number">${value}</td><td class="number">${band}</td><td>${about}</td><td>${seen}</td><td>${sources}</td></tr>`,
  )}</tbody></table></div>
<ul>${howCounted.map((sentence) => html`<li>${sentence}</li>`)}</ul></details>`;
}

function costTable({ title, bands, rows }: CostTable): Markup {
  return html`
<h3>${title}</h3>
${bands !== '' && html`<p>${bands}</p>`}
<div class="scroll" role="region" aria-label="Cost of ${title}" tabindex="0"><table><caption>Cost by role and port</caption>
<thead><tr><th scope="col">What</th><th scope="col" class="number">CPU</th><th scope="col" class="number">Memory</th><th scope="col" class="number">Storage</th><th scope="col" class="number">Requests</th><th scope="col" class="number">Sum</th></tr></thead>
<tbody>${rows.map(
    ({ part, amounts }) => html`
<tr><th scope="row">${part}</th>${amounts.map((amount) => html`<td class="number">${amount}</td>`)}</tr>`,
  )}</tbody></table></div>`;
}
