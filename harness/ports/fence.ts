/**
 * Only the newest of several writers may append to a table. One that stood still for so long that it was replaced does
 * not know it: its next append carries an older number than its successor has recorded, and the table store refuses it
 * (the fencing token of Kleppmann, "Designing Data-Intensive Applications", 2017, chapter 8). Positions alone would not
 * do: of two writers that start at one offset and read to different ones, both would append what they have read.
 */
import type { ColumnBatch } from './columns.js';
import { type Caller, untilDone } from './retries.js';
import type { TableStore, Txn } from './table-store/port.js';

export interface FencedTable {
  /**
   * Appends exactly once, however often the store has to be asked, and one after the other in the order of the calls.
   * Throws, and has written nothing, if another writer has taken the table over.
   */
  append(rows: ColumnBatch, txns: readonly Txn[]): Promise<void>;
}

/** Appends of one writer: a term and a count make one integer that a double holds. */
const appendsPerTerm = 2 ** 32;
const nothing: ColumnBatch = { rows: 0, columns: {} };

/** Begins a new term of `writer`, an application id of the table; from here on nothing of an earlier one is appended. */
export async function takeOver(
  caller: Caller,
  tables: Pick<TableStore, 'append' | 'txns'>,
  table: string,
  writer: string,
): Promise<FencedTable> {
  const recorded = async () => (await untilDone(caller, () => tables.txns(table))).get(writer) ?? 0;
  let version = 0;
  for (let isMine = false; !isMine; ) {
    version = (Math.floor((await recorded()) / appendsPerTerm) + 1) * appendsPerTerm;
    const claim = { appId: writer, version };
    // A claim whose answer was lost may be taken for another's: then the next term is ours.
    isMine = (await untilDone(caller, () => tables.append(table, nothing, [claim]))).committed;
  }
  let appending: Promise<void> = Promise.resolve();

  async function appendNow(rows: ColumnBatch, txns: readonly Txn[]): Promise<void> {
    const mine = { appId: writer, version: ++version };
    const { committed } = await untilDone(caller, () => tables.append(table, rows, [mine, ...txns]));
    if (committed) return;
    // One that was tried again after its answer was lost finds itself; anything else is that of a successor.
    const found = await recorded();
    if (found !== mine.version)
      throw new Error(
        `table ${table}: ${writer} is at ${found}, expected ${mine.version}: another one has taken over, and this append wrote nothing; leave one of them running`,
      );
  }

  return {
    append(rows, txns) {
      const done = appending.then(() => appendNow(rows, txns));
      appending = done.catch(() => {}); // thrown to whoever asked for it
      return done;
    },
  };
}
