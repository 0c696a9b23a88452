/** A word with a sign and a colour: never the colour alone. */
import { html, type Markup } from '../markup.js';
import type { Claim, Comparison, Verdict } from '../summary.js';

type Outcome = Verdict['outcome'] | Claim['outcome'] | Comparison['outcome'] | 'valid' | 'invalid';

const signs: Readonly<Record<Outcome, readonly [sign: string, tone: 'good' | 'bad' | 'open' | 'muted']>> = {
  pass: ['\u2713', 'good'],
  fail: ['\u2717', 'bad'],
  inconclusive: ['?', 'open'],
  confirmed: ['\u2713', 'good'],
  refuted: ['\u2717', 'bad'],
  'not measured': ['\u2013', 'muted'],
  better: ['\u2713', 'good'],
  worse: ['\u2717', 'bad'],
  equivalent: ['=', 'muted'],
  valid: ['\u2713', 'good'],
  invalid: ['\u2717', 'bad'],
};

export function mark(outcome: Outcome, word: string = outcome): Markup {
  const [sign, tone] = signs[outcome];
  return html`<span class="mark ${tone}"><span aria-hidden="true">${sign}</span> ${word}</span>`;
}
