/** The accounts of the ledger in words: what is wrong with a plane, and what kind of mistake makes it. */
import { type LedgerFacts, type RowMistake, rowMistakes } from '../record/facts.js';

export interface LedgerFinding {
  readonly code: FindingCode;
  /** Of what the sentence says. */
  readonly count: number;
  readonly message: string;
}

type RowCode =
  | 'AHEAD'
  | 'UNCLAIMED'
  | 'MISDATED'
  | 'TORN'
  | 'DELETE_IGNORED'
  | 'WINDOWS_DROPPED'
  | 'OVERCOUNTED'
  | 'UNDERCOUNTED'
  | 'WRONG'
  | 'MISSCORED'
  | 'UNEXPLAINED';
export type FindingCode =
  | RowCode
  | 'LOST'
  | 'DUPLICATED'
  | 'UNEXPECTED'
  | 'QUARANTINE'
  | 'REORDERED'
  | 'SKEWED'
  | 'BEHIND'
  | 'PERSONAL_DATA';

const ofRows: Readonly<Record<RowMistake, readonly [RowCode, string]>> = {
  ahead: [
    'AHEAD',
    'claim changes that they do not show. Their last_seq is not that of the state they were computed from: it was read elsewhere, or raised before the change was applied.',
  ],
  unclaimed: [
    'UNCLAIMED',
    'show changes that they do not claim. The change was applied before last_seq was raised, or last_seq comes from an older copy.',
  ],
  misdated: [
    'MISDATED',
    'have the features of another moment than their as_of. They were evaluated earlier, and dated when they were read.',
  ],
  torn: ['TORN', 'are of one version in part and of another in part. The read, or the write, of a row is not atomic.'],
  deleteIgnored: ['DELETE_IGNORED', 'would be right if no order was ever deleted. Deletions are not applied.'],
  windowsDropped: [
    'WINDOWS_DROPPED',
    'count only what came after some change, though earlier events are in their windows. Windows were not recovered, at a restart or when a row was rebuilt.',
  ],
  over: ['OVERCOUNTED', 'count too much. Changes were applied more than once, or are not taken out when they expire.'],
  under: ['UNDERCOUNTED', 'count too little. Changes were skipped, though last_seq has passed them.'],
  wrong: ['WRONG', 'differ from the oracle in a way that no known mistake explains.'],
  misscored: [
    'MISSCORED',
    'were given another score than the model that they name makes of them. It was not asked, was asked with other features, or is another one.',
  ],
  unexplained: ['UNEXPLAINED', 'differ from the oracle and were not looked into, as many others were.'],
};

/**
 * In order of weight; empty: nothing was found. A plane that corrects itself is judged by the rows after its correction;
 * that its reads were wrong, or went back, until then is what it declares (`settlesWithinUs`).
 */
export function findingsOf(ledger: LedgerFacts): LedgerFinding[] {
  const { tables, final, live, settled } = ledger;
  const found: LedgerFinding[] = [];
  const add = (code: FindingCode, count: number, message: string) => {
    if (count > 0) found.push({ code, count, message: `${count} ${message}` });
  };
  if (tables) {
    add(
      'LOST',
      tables.lost,
      'acknowledged changes are not in the tables. The position in the log moved before they were written.',
    );
    add(
      'DUPLICATED',
      tables.duplicated,
      'changes too many are in the tables. A write was repeated, and nothing in it says that it was done before.',
    );
    add(
      'UNEXPECTED',
      tables.unexpected,
      'changes in the tables were never acknowledged, or were to be refused. The contract is not checked before the write.',
    );
    add(
      'QUARANTINE',
      tables.quarantineMissing + tables.quarantineUnexpected,
      'refusals are missing in the quarantine, or are of changes that were to be taken.',
    );
  }
  const wentBack = settled ? 0 : ledger.monotonicViolations;
  add(
    'REORDERED',
    ledger.reordered + wentBack,
    `times a row went back to an older version (${ledger.reordered} for good). An older row was put over a newer one, or was read beside it.`,
  );
  const judged = settled ? [settled] : [final, live];
  const countOf = (mistake: RowMistake) => judged.reduce((sum, { mistakes }) => sum + (mistakes[mistake] ?? 0), 0);
  // A score follows from its row: where rows are wrong, that is the mistake.
  const rowsAreWrong = rowMistakes.some((mistake) => mistake !== 'misscored' && countOf(mistake) > 0);
  for (const mistake of rowMistakes) {
    if (mistake === 'misscored' && rowsAreWrong) continue;
    const [code, message] = ofRows[mistake];
    add(code, countOf(mistake), `rows ${message}`);
  }
  if (tables)
    add(
      'SKEWED',
      tables.skewed,
      'customers have a final row that disagrees with the tables. One of the two writes was lost after the other was done: it was acknowledged before it was durable.',
    );
  add(
    'BEHIND',
    ledger.behind,
    'customers have a final row that does not reflect every acknowledged change, or none that could be read.',
  );
  add('PERSONAL_DATA', ledger.personalDataLeaks ?? 0, 'places in what was stored hold raw personal data.');
  return found;
}
