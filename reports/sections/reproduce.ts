import { confidenceText, wordMeanings } from '../figures.js';
import { html, type Markup } from '../markup.js';
import type { Summary } from '../summary.js';

/** The command that does it again, and how to read what it gives. */
export function reproduceSection({ run }: Summary): Markup {
  return html`
<h2 id="reproduce">Run it again</h2>
<p>The same seed generates the same trace, byte for byte; its SHA-256 stands under <q>Traces</q>.</p>
<div><pre><code>${run.command}</code></pre><button type="button" class="copy" hidden>Copy the command</button></div>
<h2 id="reading">How to read this report</h2>
<dl>
<dt>Interval</dt><dd>${confidenceText(run.confidenceLevel)} confidence over runs, unless the row says otherwise. Requests are never treated as independent; the method stands beside each figure.</dd>
<dt>measured, simulated</dt><dd>Measured figures were observed from outside on running processes; simulated ones come from a model in virtual time. They stand in rows of their own and are never ranked together.</dd>
<dt>time \u00F7 60</dt><dd>The SLO of freshness, lateness, bursts, the time between probes and the planes' own intervals were divided by this number; rates, the SLO of latency, restarts, time-outs and fault lengths were not.</dd>
${wordMeanings.map(({ word, meaning }) => html`<dt>${word}</dt><dd>${meaning}</dd>`)}
</dl>`;
}
