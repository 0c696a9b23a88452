import { html, type Markup } from '../markup.js';
import type { Manifest, Summary } from '../summary.js';
import { formatCount, formatValue } from '../units.js';

const inWords = (servers: Manifest['servers']): string =>
  Object.entries(servers)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ') || "planebench's own";

/** Who goes before whom on busy processors, and by what. */
export const turnsText = ({ loadGoesFirst }: Manifest['machine']): string =>
  `load generators, then what answers users, then the rest, by ${loadGoesFirst ? 'real-time priorities' : 'niceness alone'}`;

/** Machine, versions, traces and parameters: what else a figure depends on. */
export function environmentSection(summary: Summary, manifest: Manifest): Markup {
  const { machine, git } = manifest;
  const dirty = git.dirty === null ? 'not known whether changed' : git.dirty ? 'with uncommitted changes' : 'clean';
  const facts: readonly (readonly [string, string])[] = [
    ['Suite', `${summary.run.suite}, ${summary.run.repetitions} repetitions, seed ${summary.run.seed}`],
    ['Id', manifest.id],
    ['Started', manifest.startedAt],
    ['Ended', manifest.endedAt ?? 'not known'],
    ['Processor', machine.cpu],
    ['Cores', formatCount(machine.cores)],
    ['Memory', formatValue(machine.memoryBytes, 'bytes')],
    ['Platform', machine.platform],
    ['Limits (cgroup)', machine.cgroup ?? 'not known'],
    ['Who goes first', turnsText(machine)],
    ['CPU time stolen', machine.stealBp === null ? 'not known' : formatValue(machine.stealBp / 10_000, 'share')],
    ['Commit', git.commit === null ? 'not known' : `${git.commit}, ${dirty}`],
    ['Servers', inWords(manifest.servers)],
    ['Lock file, SHA-256', manifest.lockFileSha256 ?? 'not known'],
  ];
  return html`
<h2 id="environment">Environment</h2>
<dl>${facts.map(([term, text]) => html`<dt>${term}</dt><dd>${text}</dd>`)}</dl>
<details><summary>Versions</summary><dl>${Object.entries(manifest.versions).map(([name, version]) => html`<dt>${name}</dt><dd>${version}</dd>`)}</dl></details>
<details><summary>Traces</summary>
<div class="scroll" role="region" aria-label="Traces" tabindex="0"><table><caption>The change stream of each seed; all planes read the same bytes</caption>
<thead><tr><th scope="col">Scenario</th><th scope="col" class="number">Seed</th><th scope="col" class="number">Changes</th><th scope="col">SHA-256</th></tr></thead>
<tbody>${manifest.traces.map(
    ({ scenario, seed, changes, sha256 }) => html`
<tr><th scope="row">${scenario}</th><td class="number">${seed}</td><td class="number">${formatCount(changes)}</td><td><code>${sha256}</code></td></tr>`,
  )}</tbody></table></div></details>
<details><summary>Parameters of the planes</summary>${summary.run.architectures.map(
    ({ name, params }) => html`<h3>${name}</h3><pre>${JSON.stringify(params, null, 2) ?? 'none'}</pre>`,
  )}</details>
<details><summary>Scenarios as they were run</summary><pre>${JSON.stringify(manifest.scenarios, null, 2) ?? 'none'}</pre></details>`;
}
