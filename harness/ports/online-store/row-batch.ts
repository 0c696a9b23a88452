/** What every variant of the online store takes as rows. */
import { CallError } from '../../errors.js';
import type { RowBatch } from './port.js';

/** LMDB takes 1978 at a page of 4096 bytes. */
export const keyLimitBytes = 1024;
/** With its header; lmdb-js returns what is larger than 16 MiB in memory of another kind. */
export const recordLimitBytes = 8 * 1024 * 1024;

export function checkColumns(table: string, { keys, seqs, asOfUs, values }: RowBatch): void {
  const count = keys.length;
  if (seqs.length !== count || asOfUs.length !== count || values.length !== count)
    throw new CallError(
      'failed',
      `put to '${table}': columns of ${count} keys, ${seqs.length} seqs, ${asOfUs.length} asOfUs, ${values.length} values; expected as many of each`,
    );
}
