/**
 * Rows on the wire, as blocks of bytes that are packed once by the client and never turned into objects by the server.
 * Little-endian, every part padded to 8:
 *
 *     key block       lengths u32[n] | keys, UTF-8, one after the other
 *     record block    lengths u32[n] | records, each padded to 8; length 0: there is none
 *     record          seq f64 | asOfUs f64 | expiresUs f64, Infinity if never | value
 *     pairs           for each row: length u32 | key | length u32 | record, nothing padded
 *
 * A record is stored as it travels.
 */
import type { RowBatch, StoredRow } from './port.js';

export const recordHeaderBytes = 24;
const aligned = (bytes: number) => (bytes + 7) & ~7;

/** The block of `keys`, followed by `tailBytes` for whatever comes after it; `end` is where that starts. */
export function packKeys(keys: readonly string[], tailBytes = 0): { body: Uint8Array; end: number } {
  let textBytes = 0;
  for (const key of keys) textBytes += Buffer.byteLength(key);
  const start = aligned(4 * keys.length);
  const end = start + aligned(textBytes);
  const body = new Uint8Array(end + tailBytes);
  const lengths = new Uint32Array(body.buffer, 0, keys.length);
  const text = Buffer.from(body.buffer, start, textBytes);
  let at = 0;
  for (let i = 0; i < keys.length; i++) {
    const length = text.write(keys[i]!, at);
    lengths[i] = length;
    at += length;
  }
  return { body, end };
}

/** The parts of the block of keys that are UTF-8 already. */
export function packKeyBytes(keys: readonly Uint8Array[]): Uint8Array[] {
  const lengths = new Uint32Array(aligned(4 * keys.length) / 4);
  let textBytes = 0;
  for (let i = 0; i < keys.length; i++) {
    lengths[i] = keys[i]!.length;
    textBytes += keys[i]!.length;
  }
  return [new Uint8Array(lengths.buffer), ...keys, new Uint8Array(aligned(textBytes) - textBytes)];
}

/** A put's body: the block of keys, then the block of records. */
export function packRows(rows: RowBatch): Uint8Array {
  const { keys, seqs, asOfUs, values } = rows;
  const count = keys.length;
  let recordBytes = aligned(4 * count);
  for (const value of values) recordBytes += recordHeaderBytes + aligned(value.length);
  const { body, end } = packKeys(keys, recordBytes);
  const lengths = new Uint32Array(body.buffer, end, count);
  const header = new Float64Array(body.buffer);
  const expiresUs = rows.expiresUs ?? Number.POSITIVE_INFINITY;
  let at = end + aligned(4 * count);
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    lengths[i] = recordHeaderBytes + value.length;
    header[at / 8] = seqs[i]!;
    header[at / 8 + 1] = asOfUs[i]!;
    header[at / 8 + 2] = expiresUs;
    body.set(value, at + recordHeaderBytes);
    at += recordHeaderBytes + aligned(value.length);
  }
  return body;
}

/** So many take few of a server's resources at a time, and their names and records fit into one call of its commands. */
const partRows = 250;

/** The rows in order, as the pairs of parts in none of which a key comes twice. */
export function packParts(rows: RowBatch): { readonly count: number; readonly pairs: Buffer }[] {
  const { keys } = rows;
  const parts: { count: number; pairs: Buffer }[] = [];
  const seen = new Set<string>();
  for (let from = 0; from < keys.length; ) {
    seen.clear();
    let to = from;
    while (to < keys.length && to - from < partRows && !seen.has(keys[to]!)) seen.add(keys[to++]!);
    parts.push({ count: to - from, pairs: packPairs(rows, from, to) });
    from = to;
  }
  return parts;
}

function packPairs({ keys, seqs, asOfUs, values, expiresUs }: RowBatch, from: number, to: number): Buffer {
  let bytes = 0;
  for (let i = from; i < to; i++) bytes += 8 + Buffer.byteLength(keys[i]!) + recordHeaderBytes + values[i]!.length;
  const pairs = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    const keyBytes = pairs.write(keys[i]!, at + 4);
    pairs.writeUInt32LE(keyBytes, at);
    at = pairs.writeUInt32LE(recordHeaderBytes + value.length, at + 4 + keyBytes);
    at = pairs.writeDoubleLE(seqs[i]!, at);
    at = pairs.writeDoubleLE(asOfUs[i]!, at);
    at = pairs.writeDoubleLE(expiresUs ?? Number.POSITIVE_INFINITY, at);
    pairs.set(value, at);
    at += value.length;
  }
  return pairs;
}

/** Where the things of a block lie in its body. */
export interface BlockView {
  readonly lengths: Uint32Array;
  /** Where the first one starts. */
  readonly start: number;
  /** Where the block ends. */
  readonly end: number;
}

/** Throws if the block does not lie within the body. */
export function viewKeyBlock(body: Uint8Array, at: number, count: number): BlockView {
  return viewBlock(body, at, count, (length) => length, 'keys');
}
export function viewRecordBlock(body: Uint8Array, at: number, count: number): BlockView {
  return viewBlock(body, at, count, aligned, 'rows');
}

function viewBlock(body: Uint8Array, at: number, count: number, room: (length: number) => number, what: string) {
  const start = at + aligned(4 * count);
  let end = start;
  if (start <= body.length) {
    const lengths = new Uint32Array(body.buffer, body.byteOffset + at, count);
    for (let i = 0; i < count; i++) end += room(lengths[i]!);
    end = aligned(end);
    if (end <= body.length) return { lengths, start, end };
  }
  throw new Error(`${count} ${what} from byte ${at} on do not fit in a body of ${body.length} bytes`);
}

/** The keys of a key block, in order. */
export function unpackKeys(body: Uint8Array, block: BlockView): string[] {
  const text = Buffer.from(body.buffer, body.byteOffset, body.length);
  let at = block.start;
  return Array.from(block.lengths, (length) => {
    at += length;
    return text.toString('utf8', at - length, at);
  });
}

/** The rows of a record block, in order; null where there is none. Values share the body's memory. */
export function unpackRows(body: Uint8Array, block: BlockView): (StoredRow | null)[] {
  const header = new Float64Array(body.buffer, body.byteOffset, body.length >> 3);
  const rows = new Array<StoredRow | null>(block.lengths.length);
  let at = block.start;
  for (let i = 0; i < rows.length; i++) {
    const length = block.lengths[i]!;
    rows[i] =
      length === 0
        ? null
        : {
            seq: header[at / 8]!,
            asOfUs: header[at / 8 + 1]!,
            value: body.subarray(at + recordHeaderBytes, at + length),
          };
    at += aligned(length);
  }
  return rows;
}

/** Event time after which a record is no longer served. */
export function recordExpiresUs(record: Uint8Array): number {
  return new DataView(record.buffer, record.byteOffset).getFloat64(16, true);
}

/** Collects up to `capacity` records into a record block. */
export function recordBlock(capacity: number) {
  const lengths = new Uint32Array(aligned(4 * capacity) / 4);
  let records = Buffer.allocUnsafe(16_384);
  let filled = 0;
  return {
    /** Record `i`, whose bytes are copied at once. */
    set(i: number, bytes: Uint8Array, length: number) {
      const end = filled + aligned(length);
      if (end > records.length) {
        const larger = Buffer.allocUnsafe(2 * end);
        records.copy(larger, 0, 0, filled);
        records = larger;
      }
      lengths[i] = length;
      records.set(bytes.subarray(0, length), filled);
      records.fill(0, filled + length, end);
      filled = end;
    },
    /** The parts of the block of the first `count`. */
    parts: (count: number): Uint8Array[] => [
      new Uint8Array(lengths.buffer, 0, aligned(4 * count)),
      records.subarray(0, filled),
    ],
  };
}
