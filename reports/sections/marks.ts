/** A word with a sign and a colour: never the colour alone. */
import { type Fate, fateWords } from '../faults.js';
import { html, type Markup } from '../markup.js';
import type { Claim, Comparison, SoakResource, Verdict } from '../summary.js';

type SoakOutcome = NonNullable<SoakResource['trend']>['outcome'];
type Outcome = Verdict['outcome'] | Claim['outcome'] | Comparison['outcome'] | SoakOutcome | 'valid' | 'invalid';
type Sign = readonly [sign: string, tone: 'good' | 'bad' | 'open' | 'muted'];

const signs: Readonly<Record<Outcome, Sign>> = {
  pass: ['\u2713', 'good'],
  fail: ['\u2717', 'bad'],
  inconclusive: ['?', 'open'],
  confirmed: ['\u2713', 'good'],
  refuted: ['\u2717', 'bad'],
  'not measured': ['\u2013', 'muted'],
  better: ['\u2713', 'good'],
  worse: ['\u2717', 'bad'],
  equivalent: ['=', 'muted'],
  'levels off': ['\u2713', 'good'],
  grows: ['\u2717', 'bad'],
  undecided: ['?', 'open'],
  valid: ['\u2713', 'good'],
  invalid: ['\u2717', 'bad'],
};

export function mark(outcome: Outcome, word: string = outcome): Markup {
  return signed(signs[outcome], word);
}

/** What was not seen is told from what went wrong by its sign too. */
const fateSigns: Readonly<Record<Fate, Sign>> = {
  survived: ['\u2713', 'good'],
  harmed: ['\u2717', 'bad'],
  invalid: ['?', 'open'],
  'not injected': ['?', 'open'],
  'not applicable': ['\u2013', 'muted'],
  'no run': ['\u2013', 'muted'],
};

export function fateMark(fate: Fate): Markup {
  return signed(fateSigns[fate], fateWords[fate]);
}

function signed([sign, tone]: Sign, word: string): Markup {
  return html`<span class="mark ${tone}"><span aria-hidden="true">${sign}</span> ${word}</span>`;
}
