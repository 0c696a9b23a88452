/**
 * Only the newest stream may append. A stream that stood still for so long that it was replaced does not know it: its
 * next append carries an older number than its successor has recorded, and the table store refuses it (the fencing token
 * of Kleppmann, "Designing Data-Intensive Applications", 2017, chapter 8). Offsets alone would not do: a successor that
 * had read less than its predecessor was about to commit, or more, would append the same entries once more.
 */
import type { TableStore, Txn } from '../../harness/ports/table-store/port.js';
import { changesTable, fenceTxn } from './tables.js';

export interface Fence {
  /** What the next append carries: a number above all before. */
  next(): Txn;
}

/** Appends that one stream can make: a term and a count make one integer that a double holds. */
const appendsPerTerm = 2 ** 32;

/** Begins a new term; from here on nothing of an earlier one is appended. */
export async function claimFence(tables: TableStore): Promise<Fence> {
  for (;;) {
    const recorded = (await tables.txns(changesTable)).get(fenceTxn) ?? 0;
    let version = (Math.floor(recorded / appendsPerTerm) + 1) * appendsPerTerm;
    const claim = { appId: fenceTxn, version };
    const { committed } = await tables.append(changesTable, { rows: 0, columns: {} }, [claim]);
    if (committed) return { next: () => ({ appId: fenceTxn, version: ++version }) };
  }
}
