/** What the ledger says where nothing is wrong. */
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

const allRight = { checked: 100, right: 100, mistakes: {} };

export const soundLedger: LedgerFacts = {
  attempted: 10,
  acknowledged: 8,
  failed: 1,
  indeterminate: 1,
  unacknowledged: 0,
  visible: 8,
  tables: soundTables,
  final: allRight,
  live: allRight,
  settled: null,
  behind: 0,
  reordered: 0,
  monotonicViolations: 0,
  personalDataLeaks: 0,
  examples: [],
};
