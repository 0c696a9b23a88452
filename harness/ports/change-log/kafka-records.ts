/**
 * Record batches of Kafka's log (message format 2), as the broker stores them: written with one copy of each entry and
 * read with one. kafkajs copies eight times on the way out, and sums bytes one by one.
 * https://kafka.apache.org/documentation/#recordbatch
 *
 *     baseOffset i64 | length i32 | leaderEpoch i32 | magic i8 | crc u32 | attributes i16 | lastOffsetDelta i32 |
 *     baseTimestamp i64 | maxTimestamp i64 | producerId i64 | producerEpoch i16 | baseSequence i32 | count i32 | records
 *
 *     record    length varint | attributes i8 | timestampDelta varint | offsetDelta varint | key length varint (-1) |
 *               value length varint | value | headers varint (0)
 */
export interface Producer {
  readonly id: bigint;
  readonly epoch: number;
}

export const headerBytes = 61;
/** Of a record beyond its entry at most: its length, that of the entry and its number take 4 bytes each as `limits.ts` has them. */
export const recordHeadBytes = 16;
/** What the checksum covers begins behind it. */
const summedFrom = 21;
const magic = 2;
const controlFlag = 0x20;
const codecMask = 0x07;
const noTimestamp = -1n;

/** One batch of `entries`; the broker refuses a sequence number that it has, or that does not follow the last one. */
export function encodeBatch(entries: readonly Uint8Array[], producer: Producer, sequence: number): Buffer {
  let bytes = headerBytes;
  for (let i = 0; i < entries.length; i++) {
    const body = recordBytes(i, entries[i]!.length);
    bytes += varintBytes(body) + body;
  }
  const batch = Buffer.allocUnsafe(bytes);
  batch.writeBigInt64BE(0n, 0);
  batch.writeInt32BE(bytes - 12, 8);
  batch.writeInt32BE(-1, 12);
  batch.writeInt8(magic, 16);
  batch.writeInt16BE(0, 21);
  batch.writeInt32BE(entries.length - 1, 23);
  batch.writeBigInt64BE(noTimestamp, 27);
  batch.writeBigInt64BE(noTimestamp, 35);
  batch.writeBigInt64BE(producer.id, 43);
  batch.writeInt16BE(producer.epoch, 51);
  batch.writeInt32BE(sequence, 53);
  batch.writeInt32BE(entries.length, 57);
  let at = headerBytes;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    at = writeVarint(batch, at, recordBytes(i, entry.length));
    batch[at++] = 0;
    at = writeVarint(batch, at, 0);
    at = writeVarint(batch, at, i);
    at = writeVarint(batch, at, -1);
    at = writeVarint(batch, at, entry.length);
    batch.set(entry, at);
    at = writeVarint(batch, at + entry.length, 0);
  }
  batch.writeUInt32BE(crc32c(batch.subarray(summedFrom)), 17);
  return batch;
}

/**
 * The entries from `offset` on, at least one if there is any, until `maxBytes` is reached. A batch is answered whole, also
 * when it begins before `offset`; the last one may be cut off.
 */
export function decodeEntries(batches: Buffer, offset: number, maxBytes: number): Uint8Array[] {
  const found: Buffer[] = [];
  let bytes = 0;
  for (let start = 0; start + headerBytes <= batches.length; ) {
    const end = start + 12 + batches.readInt32BE(start + 8);
    if (end > batches.length) break;
    const attributes = batches.readInt16BE(start + 21);
    if (batches[start + 16] !== magic || (attributes & codecMask) !== 0)
      throw new Error('a batch that is compressed or of an older format, so not written by this port');
    const base = Number(batches.readBigInt64BE(start));
    const count = (attributes & controlFlag) === 0 ? batches.readInt32BE(start + 57) : 0;
    const reader = varintReader(batches, start + headerBytes);
    for (let i = 0; i < count; i++) {
      const length = reader.next();
      const next = reader.at() + length;
      if (base + i >= offset) {
        reader.skip(1);
        reader.next();
        reader.next();
        const keyBytes = reader.next();
        if (keyBytes > 0) reader.skip(keyBytes);
        const valueBytes = Math.max(0, reader.next());
        if (found.length > 0 && bytes + valueBytes > maxBytes) return alignedCopies(found);
        found.push(batches.subarray(reader.at(), reader.at() + valueBytes));
        bytes += valueBytes;
      }
      reader.skip(next - reader.at());
    }
    start = end;
  }
  return alignedCopies(found);
}

/** Each at a multiple of 8, as the columns of a batch of changes are viewed where they arrive. */
function alignedCopies(found: readonly Uint8Array[]): Uint8Array[] {
  let bytes = 0;
  for (const entry of found) bytes += aligned(entry.length);
  const memory = new ArrayBuffer(bytes);
  let at = 0;
  return found.map((entry) => {
    const copy = new Uint8Array(memory, at, entry.length);
    copy.set(entry);
    at += aligned(entry.length);
    return copy;
  });
}

const aligned = (bytes: number) => (bytes + 7) & ~7;

/** Of a record without its length: attributes and timestamp, no key and no headers are a byte each. */
function recordBytes(i: number, valueBytes: number): number {
  return 4 + varintBytes(i) + varintBytes(valueBytes) + valueBytes;
}

/** Signed numbers in zigzag, so that small ones are short. */
function varintBytes(value: number): number {
  let bytes = 1;
  for (let left = zigzag(value) >>> 7; left !== 0; left >>>= 7) bytes++;
  return bytes;
}

function writeVarint(target: Uint8Array, at: number, value: number): number {
  let left = zigzag(value);
  for (; left > 0x7f; left >>>= 7) target[at++] = (left & 0x7f) | 0x80;
  target[at++] = left;
  return at;
}

const zigzag = (value: number) => ((value << 1) ^ (value >> 31)) >>> 0;

function varintReader(source: Uint8Array, start: number) {
  let at = start;
  return {
    at: () => at,
    skip(bytes: number) {
      at += bytes;
    },
    next(): number {
      let value = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = source[at++]!;
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
      }
    },
  };
}

/** CRC-32C (RFC 3720, appendix B.4), eight bytes at a time: table `k` is that of a byte that `k` others follow. */
export function crc32c(bytes: Uint8Array): number {
  const words = bytes.length - (bytes.length % 8);
  let crc = -1;
  let i = 0;
  for (; i < words; i += 8) {
    const low = crc ^ (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    crc =
      tables[1792 + (low & 255)]! ^
      tables[1536 + ((low >>> 8) & 255)]! ^
      tables[1280 + ((low >>> 16) & 255)]! ^
      tables[1024 + (low >>> 24)]! ^
      tables[768 + bytes[i + 4]!]! ^
      tables[512 + bytes[i + 5]!]! ^
      tables[256 + bytes[i + 6]!]! ^
      tables[bytes[i + 7]!]!;
  }
  for (; i < bytes.length; i++) crc = tables[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

const tables = crcTables();

function crcTables(): Int32Array {
  const made = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
    made[byte] = crc;
  }
  for (let i = 256; i < made.length; i++) {
    const before = made[i - 256]!;
    made[i] = (before >>> 8) ^ made[before & 255]!;
  }
  return made;
}
