/** Puts changed rows into the online store. */
import type { RoleContext } from '../../harness/architecture.js';
import { untilDone } from '../../harness/ports/retries.js';
import type { ChangedRows } from './fold.js';
import { rowTable } from './tables.js';

/** A server such as Redis does nothing else during a put, 6 us a row: whoever reads meanwhile waits for no more than this. */
const rowsPerPut = 500;

/**
 * A row is newer by its seq, or by its history, and of one version every row answers alike, whoever makes it and when (its bytes
 * may differ, by the order of its lists): so a put that is repeated, or comes from a stream that was replaced meanwhile, changes
 * nothing.
 */
export async function putRows(context: RoleContext, rows: ChangedRows): Promise<void> {
  const { onlineStore } = context.ports;
  const puts: Promise<unknown>[] = [];
  for (let from = 0; from < rows.customers.length; from += rowsPerPut) {
    const to = Math.min(rows.customers.length, from + rowsPerPut);
    const batch = {
      keys: rows.customers.slice(from, to).map(String),
      seqs: rows.seqs.slice(from, to),
      asOfUs: rows.asOfUs.slice(from, to),
      values: rows.values.slice(from, to),
    };
    puts.push(untilDone(context, () => onlineStore.put(rowTable, batch)));
  }
  await Promise.all(puts);
}
