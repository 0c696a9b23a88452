/**
 * What each fault did to each plane, in one row a fault: the clocks and SLOs of its injuries, what they cost, and what
 * was wrong when all was healed and drained. Only valid runs are told of; the others are counted.
 */
import type { FaultOutcome } from '../../reports/summary.js';
import type { NotApplicable } from '../applicability.js';
import { type FindingCode, findingsOf, type LedgerFinding } from '../ledger/findings.js';
import { type Injury, injuriesOf } from '../measures/injuries.js';
import type { Losses } from '../measures/losses.js';
import { isUnjudgedRecovery, type Recovery, timeOn } from '../measures/recovery.js';
import { sloNames } from '../measures/slos.js';
import type { LedgerFacts, RowVerdicts, RunFacts } from '../record/facts.js';
import type { Scenario } from '../scenario.js';
import { badgeOf, type Chance, type PlannedRun, poolFigure, rounded } from './estimates.js';
import { counted, digits, inWords } from './wording.js';

interface RunOutcome {
  readonly facts: RunFacts;
  readonly measured: PlannedRun;
}

/** What a row is about. */
type Struck = Pick<FaultOutcome, 'fault' | 'target' | 'notApplicable'>;

/** Of the runs of one scenario, in order of planes and repetitions; then the planes that were spared it. */
export function describeFaultOutcomes(
  runs: readonly RunOutcome[],
  spared: readonly NotApplicable[],
  chance: Chance,
): FaultOutcome[] {
  const planes = new Set(runs.map(({ facts }) => facts.plan.arm.architecture));
  const outcomes = [...planes].flatMap((plane) => {
    const own = runs.filter(({ facts }) => facts.plan.arm.architecture === plane);
    const of = (facts: RunFacts) => ({ scenario: facts.plan.scenario, architecture: plane });
    return struckIn(own).map((struck) => describeOutcome(of((own[0] as RunOutcome).facts), own, struck, chance));
  });
  const [first] = runs;
  if (first === undefined) return outcomes;
  const { scenario } = first.facts.plan;
  return [
    ...outcomes,
    ...spared.flatMap(({ architecture, reason: notApplicable }) =>
      scenario.faults.map(({ kind: fault }) =>
        describeOutcome({ scenario, architecture }, [], { fault, target: '', notApplicable }, chance),
      ),
    ),
  ];
}

/** In the order in which they first struck; a fault that never came to strike, by its plan. */
function struckIn(runs: readonly RunOutcome[]): Struck[] {
  const found = new Map<string, Struck>();
  const add = (struck: Struck) => {
    const key = JSON.stringify([struck.fault, struck.target]);
    if (!found.has(key)) found.set(key, struck);
  };
  for (const { facts } of runs) {
    for (const { kind, target, notApplicable } of facts.faults) {
      if (notApplicable !== null) add({ fault: kind, target, notApplicable });
    }
  }
  for (const { facts } of runs) {
    for (const { fault, target } of injuriesOf(facts)) add({ fault, target, notApplicable: null });
  }
  const [first] = runs;
  if (found.size === 0 && first !== undefined) {
    for (const { kind } of first.facts.plan.scenario.faults) add({ fault: kind, target: '', notApplicable: null });
  }
  return [...found.values()];
}

function describeOutcome(
  { scenario, architecture }: { readonly scenario: Scenario; readonly architecture: string },
  runs: readonly RunOutcome[],
  struck: Struck,
  chance: Chance,
): FaultOutcome {
  const same = ({ injury: { fault, target } }: { readonly injury: Injury }) =>
    fault === struck.fault && target === struck.target;
  const applies = struck.notApplicable === null;
  // A run that broke off may not have come to this fault: of all that are invalid none tells anything of it.
  const invalid = applies ? runs.filter(({ measured }) => measured.invalid.length > 0) : [];
  const hurt = runs.filter(
    ({ facts, measured }) => measured.invalid.length === 0 && injuriesOf(facts).some((injury) => same({ injury })),
  );
  const recoveries = hurt.map(({ measured }) => measured.recoveries.filter(same));
  const ledgers = hurt.flatMap(({ facts }) => facts.ledger ?? []);
  const counts = {
    ...totalsOf(hurt.map(({ measured }) => measured.losses?.filter(same) ?? null)),
    wrongRows: sumOf(ledgers.map(finalRows), ({ checked, right }) => checked - right),
    tornRows: sumOf(ledgers.map(finalRows), ({ mistakes }) => mistakes.torn ?? 0),
    // One that corrects itself declares that reads go back until then.
    monotonicViolations: sumOf(ledgers, ({ settled, monotonicViolations }) => (settled ? 0 : monotonicViolations)),
  };
  return {
    scenario: scenario.name,
    architecture,
    ...struck,
    badge: badgeOf(scenario.stack),
    stack: scenario.stack,
    timeScale: scenario.timeScale,
    runs: hurt.length,
    injections: recoveries.flat().length,
    slo: applies ? sloNames.map((slo) => judgeSlo(slo, recoveries.flat())) : [],
    clocks: applies ? clocks.map((clock) => readClock(clock, recoveries, scenario, chance)) : [],
    unjudged: applies ? hurt.flatMap(({ measured }) => unjudgedIn(measured, measured.recoveries.filter(same))) : [],
    ...counts,
    invalidRuns: invalid.length,
    invalidReason: invalid[0]?.measured.invalid[0]?.message ?? null,
    findings: describeFindings(ledgers),
  };
}

function judgeSlo(slo: (typeof sloNames)[number], recoveries: readonly Recovery[]): FaultOutcome['slo'][number] {
  const fates = recoveries.map(({ slos }) => slos[slo].fate);
  const lost = fates.filter((fate) => fate === 'lost').length;
  return { slo, lost, judged: lost + fates.filter((fate) => fate === 'kept').length };
}

/** Of a run in which nothing was left out nothing is said. */
function unjudgedIn({ plan }: PlannedRun, recoveries: readonly Recovery[]): FaultOutcome['unjudged'] {
  const seconds = sumOf(recoveries, ({ watched }) => watched.unjudged);
  const watched = sumOf(recoveries, ({ watched }) => watched.seconds);
  const injections = recoveries.filter(isUnjudgedRecovery).length;
  return seconds + injections === 0 ? [] : [{ run: plan.id, seconds, watched, injections }];
}

type Reading = FaultOutcome['clocks'][number];

const clocks = [
  'first_failure',
  'first_success',
  'slo_regained',
  'back_in_band',
  'backlog_drained',
  'mttr',
] as const satisfies Reading['clock'][];

/** The mean over injections; its interval is over runs, within which injections are alike. */
function readClock(
  clock: Reading['clock'],
  recoveries: readonly (readonly Recovery[])[],
  scenario: Scenario,
  chance: Chance,
): Reading {
  const measures = recoveries.map((ofRun) => timeOn(clock, ofRun));
  const present = measures.filter((measure) => measure.kind === 'samples');
  if (present.length === 0) {
    const [absent] = measures;
    const note = absent?.kind === 'absent' ? absent.note : 'no valid run';
    return { clock, meanUs: null, interval: null, atLeast: false, injections: 0, note };
  }
  const figure = poolFigure(present, `faults.${clock}`, 'mean', chance);
  const { pointEstimate, atLeast, confidenceInterval, samples, note } = figure;
  const basis = clock === 'mttr' ? mttrNotes(recoveries.flat(), scenario) : [];
  const notes = [note, ...basis, resolutionOf(clock, scenario)];
  return {
    clock,
    meanUs: pointEstimate ?? (atLeast === null ? null : rounded(atLeast)),
    interval: confidenceInterval && {
      confidenceLevel: confidenceInterval.confidenceLevel,
      lowerBoundUs: confidenceInterval.lowerBound,
      upperBoundUs: confidenceInterval.upperBound,
    },
    atLeast: pointEstimate === null,
    injections: samples,
    note: notes.filter((text) => text !== undefined).join('; '),
  };
}

/** What an MTTR is the time of, and why it is zero where it is. */
function mttrNotes(all: readonly Recovery[], { slo }: Scenario): string[] {
  const recoveries = all.filter((recovery) => !isUnjudgedRecovery(recovery));
  const sort = ({ clocks: { mttr, slo_regained } }: Recovery) => {
    if (slo_regained !== null) return 'lost';
    return mttr?.kind === 'after' && mttr.us === 0 ? 'unhurt' : 'returned';
  };
  const [lost, unhurt, returned] = (['lost', 'unhurt', 'returned'] as const).map((one) => {
    const count = recoveries.filter((recovery) => sort(recovery) === one).length;
    return count === 0 ? null : `${digits(count)} of ${counted(recoveries.length, 'injection')}`;
  });
  return [
    ...(lost ? [`until the SLO was regained and held for ${inWords(slo.holdUs, 'us')} after ${lost}`] : []),
    ...(returned ? [`until staleness was as before after ${returned}, by which no SLO was seen to be lost`] : []),
    ...(unhurt ? [`zero for ${unhurt}, by which no SLO was lost and staleness stayed as before`] : []),
  ];
}

/** By how much a reading may be too long; the end of the interval in which it lies is taken. */
function resolutionOf(clock: Reading['clock'], { workload }: Scenario): string {
  const probe = inWords(workload.panel.everyUs, 'us');
  const ofSlos = clock === 'slo_regained' || clock === 'mttr' || clock === 'first_failure';
  return `seen within ${probe}${ofSlos ? ', the SLOs of calls within 1 s' : ''}`;
}

function totalsOf(losses: readonly (readonly Losses[] | null)[]): Pick<FaultOutcome, 'lost' | 'duplicated' | 'rpoUs'> {
  const known = losses.filter((ofRun) => ofRun !== null).flat();
  if (known.length === 0) return { lost: null, duplicated: null, rpoUs: null };
  return {
    lost: sumOf(known, ({ lost }) => lost),
    duplicated: sumOf(known, ({ duplicated }) => duplicated),
    // The worst: a recovery point is what one must reckon with.
    rpoUs: Math.max(...known.map(({ rpoUs }) => rpoUs)),
  };
}

/** After the plane's own correction, where it has one. */
const finalRows = ({ final, settled }: LedgerFacts): RowVerdicts => settled ?? final;

/** The ledger's findings, each as the run tells it in which there was most of it. */
function describeFindings(ledgers: readonly LedgerFacts[]): string[] {
  const byCode = new Map<FindingCode, LedgerFinding[]>();
  for (const finding of ledgers.flatMap(findingsOf))
    byCode.set(finding.code, [...(byCode.get(finding.code) ?? []), finding]);
  return [...byCode].map(([code, findings]) => {
    const worst = findings.reduce((one, other) => (other.count > one.count ? other : one));
    const runs = ledgers.length === 1 ? '' : ` (in ${digits(findings.length)} of ${counted(ledgers.length, 'run')})`;
    return `${code}: ${worst.message}${runs}`;
  });
}

const sumOf = <T>(items: readonly T[], pick: (item: T) => number) => items.reduce((sum, item) => sum + pick(item), 0);
