/**
 * One HTML file that needs nothing else: no request, no font, no frame. The Content-Security-Policy allows its one
 * style and its two scripts by their hashes and nothing besides, so that even text that slipped through could not run.
 */
import { createHash } from 'node:crypto';
import { openGallery } from './charts/gallery.js';
import { vegaRuntime } from './charts/vega-runtime.js';
import { figureTables } from './figures.js';
import { html, trusted } from './markup.js';
import { pageScript } from './page-script.js';
import { pageStyle } from './page-style.js';
import { claimsSection } from './sections/claims.js';
import { comparisonsSection } from './sections/comparisons.js';
import { costSection } from './sections/cost.js';
import { distributionsSection } from './sections/distributions.js';
import { environmentSection } from './sections/environment.js';
import { figuresSection } from './sections/figures.js';
import { processesSection } from './sections/processes.js';
import { reproduceSection } from './sections/reproduce.js';
import { timelinesSection } from './sections/timelines.js';
import { validitySection } from './sections/validity.js';
import { verdictSection } from './sections/verdict.js';
import type { Manifest, Summary } from './summary.js';

export function renderHtml(summary: Summary, manifest: Manifest): string {
  const gallery = openGallery();
  const main = html`${figuresSection(summary, figureTables(summary))}
${comparisonsSection(summary)}
${claimsSection(summary.claims)}
${distributionsSection(summary, gallery)}
${timelinesSection(summary, gallery)}
${processesSection(summary, gallery)}
${costSection(summary)}
${validitySection(summary)}
${environmentSection(summary, manifest)}
${reproduceSection(summary)}`;
  const script = pageScript(gallery.evaluator());
  const runtime = vegaRuntime();
  const policy = [
    "default-src 'none'",
    `style-src '${hash(pageStyle)}'`,
    `script-src '${hash(script)}' '${hash(runtime)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trusted(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>planebench: ${summary.run.suite}, ${summary.verdict.outcome}</title>
<style>${trusted(pageStyle)}</style>
</head>
<body>
<a class="skip" href="#figures">Skip to the figures</a>
<header>
<h1>planebench: ${summary.run.suite}</h1>
<p class="facts">${minuteOf(manifest.startedAt)}; ${summary.run.architectures.map(({ name }) => name).join(', ')}; ${summary.run.repetitions} repetitions; seed ${summary.run.seed}</p>
${verdictSection(summary, manifest)}
<nav aria-label="Sections"><ul>${sections.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
</header>
<main>
${main}
</main>
<footer><p>Made by planebench from summary.json and manifest.json. Charts by Vega and Vega-Lite.</p></footer>
${gallery.data()}
<script type="text/plain" id="vega-runtime">${trusted(runtime)}</script>
<script>${trusted(script)}</script>
</body>
</html>
`.toString();
}

const sections = [
  ['figures', 'Figures'],
  ['comparisons', 'Comparisons'],
  ['claims', 'Claims'],
  ['distributions', 'Latency and freshness'],
  ['timelines', 'Runs over time'],
  ['processes', 'CPU and memory'],
  ['cost', 'Cost'],
  ['validity', 'Validity'],
  ['environment', 'Environment'],
  ['reproduce', 'Run it again'],
  ['reading', 'How to read this'],
] as const;

/** "2026-01-01 12:00 UTC" of an ISO time; anything else as it is. */
function minuteOf(time: string): string {
  return time.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):[\d.]+Z$/, '$1 $2 UTC');
}

function hash(content: string): string {
  return `sha256-${createHash('sha256').update(content).digest('base64')}`;
}
