/** What every variant of the online store takes as rows. */
import { RefusedCall } from '../../errors.js';
import type { RowBatch } from './port.js';
import { recordHeaderBytes } from './row-blocks.js';

/** LMDB takes 1978 at a page of 4096 bytes. */
export const keyLimitBytes = 1024;
/** With its header; lmdb-js returns what is larger than 16 MiB in memory of another kind. */
export const recordLimitBytes = 8 * 1024 * 1024;

export function checkColumns(table: string, { keys, seqs, asOfUs, values }: RowBatch): void {
  const count = keys.length;
  if (seqs.length !== count || asOfUs.length !== count || values.length !== count)
    throw new RefusedCall(
      `put to '${table}': columns of ${count} keys, ${seqs.length} seqs, ${asOfUs.length} asOfUs, ${values.length} values; expected as many of each`,
    );
}

/** `server` says in errors who does not take it. */
export function checkKeys(operation: string, server: string, keys: readonly string[]): void {
  for (const key of keys) {
    if (3 * key.length <= keyLimitBytes) continue; // no text has more bytes than that
    const bytes = Buffer.byteLength(key);
    if (bytes > keyLimitBytes)
      throw refused(operation, server, `a key of ${bytes} bytes is longer than ${keyLimitBytes}`);
  }
}

export function checkValues(server: string, values: readonly Uint8Array[]): void {
  for (const value of values) {
    const bytes = recordHeaderBytes + value.length;
    if (bytes > recordLimitBytes)
      throw refused('put', server, `a row of ${bytes} bytes: expected ${recordHeaderBytes} to ${recordLimitBytes}`);
  }
}

function refused(operation: string, server: string, reason: string): RefusedCall {
  return new RefusedCall(`'${operation}' to ${server}: ${reason}`);
}
