/**
 * Column batches as the body of a message: an `int` column as float64, where NaN is null; a `text` column as the lengths
 * of its values, where -1 is null, and all of them joined.
 */
import { packBlobs, unpackBlobs } from '../../rpc/packed.js';
import type { ColumnBatch, IntValues, TextValues } from '../columns.js';

/** What the receiver must know beside the bytes: part of the message's head. */
export type PackedBatch = {
  readonly rows: number;
  readonly columns: readonly { readonly name: string; readonly type: 'int' | 'nullable int' | 'text' }[];
};

export function packColumns(batch: ColumnBatch): { packed: PackedBatch; body: Uint8Array[] } {
  const columns: PackedBatch['columns'][number][] = [];
  const blobs: Uint8Array[] = [];
  for (const [name, values] of Object.entries(batch.columns)) {
    if (isText(values, batch.rows)) {
      columns.push({ name, type: 'text' });
      blobs.push(...packTexts(values, batch.rows));
    } else {
      columns.push({ name, type: Array.isArray(values) ? 'nullable int' : 'int' });
      blobs.push(packInts(values as IntValues, batch.rows));
    }
  }
  return { packed: { rows: batch.rows, columns }, body: packBlobs(blobs) };
}

export function unpackColumns({ rows, columns }: PackedBatch, body: Uint8Array): ColumnBatch {
  const count = columns.reduce((sum, { type }) => sum + (type === 'text' ? 2 : 1), 0);
  const blobs = unpackBlobs(body, count);
  let at = 0;
  const unpacked = columns.map(({ name, type }): [string, IntValues | TextValues] => {
    const blob = blobs[at++]!;
    if (type === 'text') return [name, unpackTexts(blob, blobs[at++]!, rows)];
    const values = new Float64Array(blob.buffer, blob.byteOffset, rows);
    return [name, type === 'int' ? values : Array.from(values, (value) => (Number.isNaN(value) ? null : value))];
  });
  return { rows, columns: Object.fromEntries(unpacked) };
}

/** A column without any value to tell its type by is sent as integers: nulls are nulls. */
function isText(values: IntValues | TextValues, rows: number): values is TextValues {
  if (!Array.isArray(values)) return false;
  for (let i = 0; i < rows; i++) if (values[i] !== null) return typeof values[i] === 'string';
  return false;
}

function packInts(values: IntValues, rows: number): Uint8Array {
  const packed = new Float64Array(rows);
  if (Array.isArray(values)) for (let i = 0; i < rows; i++) packed[i] = values[i] ?? Number.NaN;
  else packed.set((values as Float64Array).subarray(0, rows));
  return new Uint8Array(packed.buffer);
}

function packTexts(values: TextValues, rows: number): [lengths: Uint8Array, texts: Uint8Array] {
  const lengths = new Int32Array(rows);
  for (let i = 0; i < rows; i++) lengths[i] = values[i]?.length ?? -1;
  const texts = new TextEncoder().encode(values.slice(0, rows).join('')); // join leaves nulls out
  return [new Uint8Array(lengths.buffer), texts];
}

function unpackTexts(lengthBytes: Uint8Array, textBytes: Uint8Array, rows: number): TextValues {
  const lengths = new Int32Array(lengthBytes.buffer, lengthBytes.byteOffset, rows);
  const texts = new TextDecoder('utf-8', { ignoreBOM: true }).decode(textBytes);
  let at = 0;
  return Array.from(lengths, (length) => {
    if (length < 0) return null;
    at += length;
    return texts.slice(at - length, at);
  });
}
