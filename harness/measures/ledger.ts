/** What the ledger found, as measures: counts are complete, so they are totals and need no interval. */
import type { LedgerFacts, RowVerdicts, RunFacts } from '../record/facts.js';
import { type AbsentMeasure, type MeasureOf, notMeasured, notOffered } from './measured.js';

export function measureLedger({ ledger }: RunFacts) {
  const absent: AbsentMeasure | null = ledger === null ? notMeasured('the ledger was not drawn up') : null;
  const count = (pick: (facts: LedgerFacts) => number): MeasureOf<'count'> =>
    ledger === null ? notMeasured('the ledger was not drawn up') : { kind: 'count', count: pick(ledger) };
  const ofTables = (pick: (tables: NonNullable<LedgerFacts['tables']>) => number): MeasureOf<'count'> =>
    absent ??
    (ledger?.tables
      ? { kind: 'count', count: pick(ledger.tables) }
      : notOffered('the plane does not export its tables'));
  return {
    'ledger.acknowledged': count(({ acknowledged }) => acknowledged),
    'ledger.visible': count(({ visible }) => visible),
    'ledger.lost': ofTables(({ lost }) => lost),
    'ledger.duplicated': ofTables(({ duplicated }) => duplicated),
    'ledger.unexpected': ofTables(({ unexpected }) => unexpected),
    'ledger.quarantine_missing': ofTables(({ quarantineMissing }) => quarantineMissing),
    'ledger.quarantine_unexpected': ofTables(({ quarantineUnexpected }) => quarantineUnexpected),
    'ledger.rpo': recoveryPoint(ledger),
    'ledger.wrong_rows': count(({ final }) => wrong(final)),
    'ledger.torn': count(({ final, live }) => (final.mistakes.torn ?? 0) + (live.mistakes.torn ?? 0)),
    'ledger.behind': count(({ behind }) => behind),
    'ledger.reordered': count(({ reordered }) => reordered),
    'ledger.skewed': ofTables(({ skewed }) => skewed),
    'ledger.live_wrong': liveShare(ledger),
    'ledger.settled_wrong_rows':
      absent ??
      (ledger?.settled
        ? ({ kind: 'count', count: wrong(ledger.settled) } as const)
        : notOffered('the plane corrects nothing afterwards')),
    'ledger.monotonic_violations': count(({ monotonicViolations }) => monotonicViolations),
    'ledger.personal_data_leaks':
      ledger?.personalDataLeaks === null
        ? notOffered('the plane stores outside the run, where nobody can search')
        : count(({ personalDataLeaks }) => personalDataLeaks ?? 0),
  };
}

function wrong({ checked, right }: RowVerdicts): number {
  return checked - right;
}

function recoveryPoint(ledger: LedgerFacts | null): MeasureOf<'ratio'> {
  if (ledger === null) return notMeasured('the ledger was not drawn up');
  if (ledger.tables === null) return notOffered('the plane does not export its tables');
  return { kind: 'ratio', numerator: ledger.tables.rpoUs, denominator: 1, samples: 1 };
}

function liveShare(ledger: LedgerFacts | null): MeasureOf<'ratio'> {
  if (ledger === null) return notMeasured('the ledger was not drawn up');
  if (ledger.live.checked === 0) return notMeasured('no live read was logged');
  return {
    kind: 'ratio',
    numerator: wrong(ledger.live),
    denominator: ledger.live.checked,
    samples: ledger.live.checked,
  };
}
