/**
 * What faults did to planes, once, for every format: faults as rows, planes as columns. Measured and simulated outcomes,
 * stacks and time scales stand in tables of their own.
 */
import { type Basis, basisText, gathered, planeNames, words } from './figures.js';
import type { FaultOutcome, Summary } from './summary.js';
import { formatCount, formatNumber, formatRatio, formatValue, sharedScale, withSuffix } from './units.js';

export interface FaultTable {
  readonly basis: Basis;
  readonly planes: readonly string[];
  readonly rows: readonly FaultRow[];
}

export interface FaultRow {
  readonly fault: string;
  /** Null where it is named like the fault. */
  readonly scenario: string | null;
  /** One a plane, in the order of the table's planes. */
  readonly cells: readonly FaultCell[];
}

/** `harmed`: something is wrong that healing and draining did not mend. What was not seen is never `survived`. */
export type Fate = 'survived' | 'harmed' | 'invalid' | 'not injected' | 'not applicable' | 'no run';

export interface FaultCell {
  readonly plane: string;
  readonly fate: Fate;
  /** The worst that can be said of it, in a few words each: "3 changes lost". */
  readonly words: readonly string[];
  /** Reasons, and what is not known. */
  readonly notes: readonly string[];
  /** Null where there was no run. */
  readonly outcome: FaultOutcome | null;
}

export function faultTables(summary: Summary): FaultTable[] {
  const tables = gathered(summary.faultOutcomes, basisText);
  return tables.map((outcomes) => {
    const { badge, stack, timeScale } = outcomes[0]!;
    const present = new Set(outcomes.map(({ architecture }) => architecture));
    const planes = planeNames(summary).filter((plane) => present.has(plane));
    return {
      basis: { badge, stack, timeScale },
      planes,
      rows: gathered(outcomes, ({ scenario, fault }) => JSON.stringify([scenario, fault])).flatMap((own) =>
        faultRows(own, planes),
      ),
    };
  });
}

/** A suite of many faults is about them, so that they come before its figures. */
export function isAboutFaults({ faultOutcomes }: Summary): boolean {
  return new Set(faultOutcomes.map(({ fault }) => fault)).size > 1;
}

/** In one line: "role-crash", or "role-crash (scenario headline)". */
export function rowName({ fault, scenario }: FaultRow): string {
  return scenario === null ? fault : `${fault} (scenario ${scenario})`;
}

/** Those of whose recovery something can be said. */
export function struckOutcomes({ cells }: FaultRow): FaultOutcome[] {
  return cells.flatMap(({ outcome }) => (outcome?.notApplicable === null && outcome.injections > 0 ? [outcome] : []));
}

/** A fault that strikes a plane in several places has a row for each, so that no outcome hides another. */
function faultRows(outcomes: readonly FaultOutcome[], planes: readonly string[]): FaultRow[] {
  const { fault, scenario } = outcomes[0]!;
  const byPlane = planes.map((plane) => outcomes.filter(({ architecture }) => architecture === plane));
  const most = Math.max(...byPlane.map((own) => own.length));
  return Array.from({ length: most }, (_, index) => ({
    fault,
    scenario: scenario === fault ? null : scenario,
    cells: planes.map((plane, column) => faultCell(plane, byPlane[column]![index] ?? null)),
  }));
}

function faultCell(plane: string, outcome: FaultOutcome | null): FaultCell {
  const fate = fateOf(outcome);
  return {
    plane,
    fate,
    outcome,
    words: outcome !== null && fate === 'harmed' ? harmsOf(outcome) : [fateWords[fate]],
    notes: outcome === null ? [] : notesOf(outcome, fate),
  };
}

export const fateWords: Readonly<Record<Fate, string>> = {
  survived: 'survived',
  harmed: 'harmed',
  invalid: 'invalid',
  'not injected': 'not injected',
  'not applicable': 'not applicable here',
  'no run': 'no run',
};

function fateOf(outcome: FaultOutcome | null): Fate {
  if (outcome === null) return 'no run';
  if (outcome.notApplicable !== null) return 'not applicable';
  if (outcome.findings.length > 0 || countsOf(outcome).some(({ count }) => count > 0)) return 'harmed';
  if (outcome.injections > 0) return 'survived';
  return outcome.invalidRuns > 0 ? 'invalid' : 'not injected';
}

/** Worst first. */
function countsOf({ lost, duplicated, wrongRows, tornRows, monotonicViolations }: FaultOutcome) {
  return [
    { count: lost ?? 0, words: (text: string) => `${text} lost`, unit: 'changes' },
    { count: wrongRows, words: (text: string) => `${text} wrong`, unit: 'rows' },
    { count: tornRows, words: (text: string) => `${text} torn`, unit: 'rows' },
    { count: duplicated ?? 0, words: (text: string) => `${text} duplicated`, unit: 'changes' },
    {
      count: monotonicViolations,
      words: (text: string) => `${text} ${text === '1' ? 'read' : 'reads'} went back`,
      unit: 'count',
    },
  ] as const;
}

function harmsOf(outcome: FaultOutcome): string[] {
  const harms = countsOf(outcome)
    .filter(({ count }) => count > 0)
    .map(({ count, words, unit }) => words(formatValue(count, unit)));
  return harms.length > 0 ? harms : [counted(outcome.findings.length, 'finding')];
}

function notesOf(outcome: FaultOutcome, fate: Fate): string[] {
  const { notApplicable, invalidRuns, invalidReason, injections, runs, lost, rpoUs } = outcome;
  if (notApplicable !== null) return [notApplicable];
  const invalid =
    invalidRuns === 0
      ? []
      : [`${counted(invalidRuns, 'invalid run')}, left out: ${invalidReason ?? 'the summary gives no reason'}`];
  if (fate === 'invalid') return invalid;
  const sloLost = sloTexts(outcome).filter(({ lost }) => lost);
  return [
    ...(fate === 'not injected' ? [] : [`${counted(injections, 'injection')} in ${counted(runs, 'run')}`]),
    ...(sloLost.length === 0 ? [] : [`SLO lost: ${sloLost.map(({ name, text }) => `${name} ${text}`).join(', ')}`]),
    ...unjudgedTexts(outcome),
    ...((lost ?? 0) > 0 && rpoUs !== null ? [`RPO ${formatValue(rpoUs, 'us')}`] : []),
    ...(lost === null ? ['tables not offered: what they hold is not known'] : []),
    ...invalid,
  ];
}

/** "1 of 5 s of the watch left out in smoke-1-lambda, as the load generator itself was late". */
function unjudgedTexts({ unjudged }: FaultOutcome): string[] {
  return unjudged.map(({ run, seconds, watched, injections }) => {
    const left = `${formatCount(seconds)} of ${formatCount(watched)} s of the watch left out in ${run}`;
    const open = injections === 0 ? '' : `; ${counted(injections, 'injection')} not judged for that`;
    return `${left}, as the load generator itself was late${open}`;
  });
}

/** "11 of 14 survived, 2 harmed, 1 invalid": of the pairs of a fault and a plane. */
export function fateCounts({ rows }: FaultTable): string {
  const fates = rows.flatMap(({ cells }) => cells.map(({ fate }) => fate));
  const count = (fate: Fate) => fates.filter((candidate) => candidate === fate).length;
  const rest = (['harmed', 'invalid', 'not injected', 'not applicable', 'no run'] as const).filter(count);
  return [
    `${count('survived')} of ${counted(fates.length, 'pair')} of fault and plane survived`,
    ...rest.map((fate) => `${count(fate)} ${fateWords[fate]}`),
  ].join(', ');
}

export interface FaultFinding {
  readonly plane: string;
  readonly fault: string;
  readonly messages: readonly string[];
}

/** Of all planes, worst first: what was lost comes before what is wrong, before what is there twice. */
export function faultFindings({ rows }: FaultTable): FaultFinding[] {
  const rank = ({ outcome }: FaultCell) => {
    const worst = countsOf(outcome!).findIndex(({ count }) => count > 0);
    return worst === -1 ? countsOf(outcome!).length : worst;
  };
  return rows
    .flatMap(({ fault, cells }) => cells.map((cell) => ({ fault, cell })))
    .filter(({ cell }) => cell.fate === 'harmed')
    .sort((a, b) => rank(a.cell) - rank(b.cell))
    .map(({ fault, cell: { plane, outcome, words } }) => ({
      plane,
      fault,
      messages: outcome!.findings.length > 0 ? outcome!.findings : words,
    }));
}

/** Of a plane that keeps its tables to itself nobody knows what they have lost. */
function nameOf({ plane, outcome }: FaultCell): string {
  return outcome?.lost === null ? `${plane} (its tables were not offered)` : plane;
}

/** Sentences on where one plane did better than another, whichever it is. */
export function faultContrasts(summary: Summary, { rows }: FaultTable): string[] {
  const fates = rows.flatMap(({ fault, cells }) => {
    const survivors = cells.filter(({ fate }) => fate === 'survived');
    const harmed = cells.filter(({ fate }) => fate === 'harmed');
    if (survivors.length === 0 || harmed.length === 0) return [];
    const losers = harmed.map(({ plane, words }) => `${plane} did not (${words.join(', ')})`);
    return [`${listed(survivors.map(nameOf))} survived ${fault}; ${listed(losers)}.`];
  });
  const scenarios = new Set(rows.flatMap(({ cells }) => cells.flatMap(({ outcome }) => outcome?.scenario ?? [])));
  const repairs = summary.comparisons
    .filter(({ metric, scenario }) => metric === 'faults.mttr' && scenarios.has(scenario))
    .flatMap(({ scenario, candidate, reference, ratio, outcome, pairs }) => {
      if (outcome !== 'better' && outcome !== 'worse') return [];
      const [sooner, later] = outcome === 'better' ? [candidate, reference] : [reference, candidate];
      const how = ratio === null ? '' : `: MTTR of ${candidate} is ${formatRatio(ratio)} times that of ${reference}`;
      return [`In ${scenario}, ${sooner} recovered sooner than ${later} (${counted(pairs, 'pair')})${how}.`];
    });
  return [...fates, ...repairs];
}

export const clocks = [
  { clock: 'first_failure', label: 'First failure' },
  { clock: 'first_success', label: 'First success' },
  { clock: 'slo_regained', label: 'SLO regained' },
  { clock: 'back_in_band', label: 'Back in band' },
  { clock: 'backlog_drained', label: 'Backlog drained' },
  { clock: 'mttr', label: 'MTTR' },
] as const;

/** What the clocks are, for the reader; all start at the injection. */
export const clockMeanings: readonly (readonly [term: string, meaning: string])[] = [
  [
    'SLO lost',
    'in how many injections each SLO was lost, of those in which it could be judged; seconds in which the load generator itself was late are left out',
  ],
  ['First failure', 'a call or probe that failed, or a broken SLO, was first seen'],
  ['First success', 'a change emitted after the fault had bitten was first shown to a reader'],
  ['SLO regained', 'from then on every SLO that was lost held for the hold time'],
  ['Back in band', 'freshness was back where it was before the fault'],
  ['Backlog drained', 'the backlog was back where it was before the fault'],
  ['MTTR', 'until the SLO was regained, if it was lost; else until freshness was back in its band'],
];

/** A clock of an outcome as it is printed. */
export interface ClockText {
  readonly text: string;
  /** "1.20 to 1.63 s"; null where there is no interval. */
  readonly interval: string | null;
  readonly note: string | null;
}

export function clockText(outcome: FaultOutcome, wanted: (typeof clocks)[number]['clock']): ClockText {
  const found = outcome.clocks.find(({ clock }) => clock === wanted);
  if (found === undefined) return { text: words.absent, interval: null, note: null };
  if (found.meanUs === null) return { text: 'none', interval: null, note: found.note };
  const { meanUs, interval, atLeast, injections, note } = found;
  const bounds = [interval?.lowerBoundUs ?? null, interval?.upperBoundUs ?? null] as const;
  const scaleFor = sharedScale([meanUs, ...bounds.filter((bound) => bound !== null)], 'us');
  const format = (us: number) => withSuffix(formatNumber(us, scaleFor(us)), scaleFor(us));
  const [lower, upper] = bounds;
  const within =
    lower !== null && upper !== null
      ? `${formatNumber(lower, scaleFor(lower))} to ${format(upper)}`
      : lower !== null
        ? `from ${format(lower)}`
        : upper !== null
          ? `up to ${format(upper)}`
          : null;
  const some = injections === outcome.injections ? null : `in ${formatCount(injections)} of ${outcome.injections}`;
  return {
    text:
      atLeast && meanUs === 0
        ? words.censored
        : `${atLeast ? 'at least ' : ''}${meanUs === 0 ? '0 s' : format(meanUs)}`,
    interval: within,
    note: [some, note].filter((part) => part !== null).join('; ') || null,
  };
}

/** "MTTR 1.40 s [1.26 to 1.54 s]", with its note: a zero says why it is one. Empty where no fault struck. */
export function mttrText(outcome: FaultOutcome): string {
  if (outcome.injections === 0) return '';
  const { text, interval, note } = clockText(outcome, 'mttr');
  return `MTTR ${text}${interval === null ? '' : ` [${interval}]`}${note === null ? '' : ` (${note})`}`;
}

/** "freshness 3 of 5"; "not judged" where no injection could be. */
export function sloTexts({ slo }: FaultOutcome): {
  readonly name: string;
  readonly lost: boolean;
  readonly text: string;
}[] {
  return slo.map(({ slo: name, lost, judged }) => ({
    name,
    lost: lost > 0,
    text: judged === 0 ? 'not judged' : `${formatCount(lost)} of ${formatCount(judged)}`,
  }));
}

/** The confidence of the intervals of a table; null where there is none. */
export function faultConfidence({ rows }: FaultTable): number | null {
  const intervals = rows.flatMap(({ cells }) =>
    cells.flatMap(({ outcome }) => outcome?.clocks.flatMap(({ interval }) => interval ?? []) ?? []),
  );
  return intervals[0]?.confidenceLevel ?? null;
}

export function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

export function listed(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}
