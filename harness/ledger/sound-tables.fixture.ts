/** What the ledger says of tables with which nothing is wrong. */
import type { LedgerFacts } from '../record/facts.js';

export const soundTables: NonNullable<LedgerFacts['tables']> = {
  lost: 0,
  duplicated: 0,
  unexpected: 0,
  quarantineMissing: 0,
  quarantineUnexpected: 0,
  skewed: 0,
  rpoUs: 0,
  lostEmitUs: [],
  duplicatedEmitUs: [],
};
