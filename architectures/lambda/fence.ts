/**
 * Only the newest batch role may append to the master data or publish a view. One that stood still for so long that it
 * was replaced does not know it: its next commit carries an older number than its successor has recorded, and the table
 * store refuses it (the fencing token of Kleppmann, "Designing Data-Intensive Applications", 2017, chapter 8).
 */
import type { TableStore, Txn } from '../../harness/ports/table-store/port.js';

export interface Fence {
  /** What the next commit carries: a number above all before. */
  next(): Txn;
}

const fenceTxn = 'lambda.batch';
/** Commits that one role can make: a term and a count make one integer that a double holds. */
const commitsPerTerm = 2 ** 32;

/** Begins a new term; from here on nothing of an earlier one is appended. */
export async function claimFence(tables: TableStore, table: string): Promise<Fence> {
  for (;;) {
    const recorded = (await tables.txns(table)).get(fenceTxn) ?? 0;
    let version = (Math.floor(recorded / commitsPerTerm) + 1) * commitsPerTerm;
    const claim = { appId: fenceTxn, version };
    const { committed } = await tables.append(table, { rows: 0, columns: {} }, [claim]);
    if (committed) return { next: () => ({ appId: fenceTxn, version: ++version }) };
  }
}
