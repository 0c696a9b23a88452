/** Puts changed rows into the online store. */
import type { RoleContext } from '../../harness/architecture.js';
import type { ChangedRows } from './fold.js';
import { untilDone } from './retries.js';
import { rowTable } from './tables.js';

const rowsPerPut = 4_000;

/**
 * Every row is newer by its seq, or, where a backfill has replaced a row of the same seq, by an event time after
 * `newerThanUs`: so a repeated put changes nothing.
 */
export async function putRows(context: RoleContext, rows: ChangedRows, newerThanUs = 0): Promise<void> {
  const { onlineStore } = context.ports;
  const asOfUs = Math.max(context.clock.nowUs(), newerThanUs + 1);
  const puts: Promise<unknown>[] = [];
  for (let from = 0; from < rows.customers.length; from += rowsPerPut) {
    const to = Math.min(rows.customers.length, from + rowsPerPut);
    const batch = {
      keys: rows.customers.slice(from, to).map(String),
      seqs: rows.seqs.slice(from, to),
      asOfUs: new Array<number>(to - from).fill(asOfUs),
      values: rows.values.slice(from, to),
    };
    puts.push(untilDone(context, () => onlineStore.put(rowTable, batch)));
  }
  await Promise.all(puts);
}
