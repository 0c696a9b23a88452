/**
 * One HTML file that needs nothing else: no request, no font, no frame. The Content-Security-Policy allows its one
 * style and its two scripts by their hashes and nothing besides, so that even text that slipped through could not run.
 */
import { createHash } from 'node:crypto';
import { type Gallery, openGallery } from './charts/gallery.js';
import { vegaRuntime } from './charts/vega-runtime.js';
import { faultTables, isAboutFaults } from './faults.js';
import { figureTables } from './figures.js';
import { html, type Markup, trusted } from './markup.js';
import { pageScript } from './page-script.js';
import { pageStyle } from './page-style.js';
import { claimsSection } from './sections/claims.js';
import { comparisonsSection } from './sections/comparisons.js';
import { costSection } from './sections/cost.js';
import { distributionsSection } from './sections/distributions.js';
import { environmentSection } from './sections/environment.js';
import { faultsSection } from './sections/faults.js';
import { figuresSection } from './sections/figures.js';
import { processesSection } from './sections/processes.js';
import { reproduceSection } from './sections/reproduce.js';
import { soakSection } from './sections/soak.js';
import { timelinesSection } from './sections/timelines.js';
import { validitySection } from './sections/validity.js';
import { verdictSection } from './sections/verdict.js';
import type { Manifest, Summary } from './summary.js';

export function renderHtml(summary: Summary, manifest: Manifest): string {
  const gallery = openGallery();
  const sections = sectionsOf(summary, manifest, gallery);
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
<a class="skip" href="#${sections[0]!.links[0]![0]}">Skip to the content</a>
<header>
<h1>planebench: ${summary.run.suite}</h1>
<p class="facts">${minuteOf(manifest.startedAt)}; ${summary.run.architectures.map(({ name }) => name).join(', ')}; ${summary.run.repetitions} repetitions; seed ${summary.run.seed}</p>
${verdictSection(summary)}
<nav aria-label="Sections"><ul>${sections.flatMap(({ links }) => links.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`))}</ul></nav>
</header>
<main>
${sections.map(({ content }) => content)}
</main>
<footer><p>Made by planebench from summary.json and manifest.json. Charts by Vega and Vega-Lite.</p></footer>
${gallery.data()}
<script type="text/plain" id="vega-runtime">${trusted(runtime)}</script>
<script>${trusted(script)}</script>
</body>
</html>
`.toString();
}

interface Section {
  readonly links: readonly (readonly [id: string, title: string])[];
  readonly content: Markup;
}

/** In the order of the page: what a suite is about comes first. */
function sectionsOf(summary: Summary, manifest: Manifest, gallery: Gallery): Section[] {
  const section = (id: string, title: string, content: Markup): Section => ({ links: [[id, title]], content });
  const soak = summary.soak === null ? [] : [section('soak', 'Soak', soakSection(summary.soak, gallery))];
  const rest = [
    section('environment', 'Environment', environmentSection(summary, manifest)),
    {
      links: [
        ['reproduce', 'Run it again'],
        ['reading', 'How to read this'],
      ],
      content: reproduceSection(summary),
    },
  ] as const;
  // A soak keeps no figures of its runs.
  if (summary.soak !== null && summary.series.length === 0) return [...soak, ...rest];
  const figures = section('figures', 'Figures', figuresSection(summary, figureTables(summary)));
  const faults =
    summary.faultOutcomes.length === 0
      ? []
      : [section('faults', 'Faults', faultsSection(summary, faultTables(summary)))];
  return [
    ...soak,
    ...(isAboutFaults(summary) ? [...faults, figures] : [figures, ...faults]),
    section('comparisons', 'Comparisons', comparisonsSection(summary)),
    section('claims', 'Claims', claimsSection(summary.claims)),
    section('distributions', 'Latency and freshness', distributionsSection(summary, gallery)),
    section('timelines', 'Runs over time', timelinesSection(summary, gallery)),
    section('processes', 'CPU and memory', processesSection(summary, gallery)),
    section('cost', 'Cost', costSection(summary)),
    section('validity', 'Validity', validitySection(summary)),
    ...rest,
  ];
}

/** "2026-01-01 12:00 UTC" of an ISO time; anything else as it is. */
function minuteOf(time: string): string {
  return time.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):[\d.]+Z$/, '$1 $2 UTC');
}

function hash(content: string): string {
  return `sha256-${createHash('sha256').update(content).digest('base64')}`;
}
