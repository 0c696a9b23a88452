/**
 * A batch of changes as one block of bytes: what an entry of the change log holds. The envelope is columns, readable
 * when a payload is broken; the payloads are Avro (see contracts/). Little-endian, every column aligned to 8 bytes:
 *
 *     magic u32 | count u32 | payload bytes u32 | 0 u32
 *     emitUs f64[] | commitUs f64[] | lsn f64[] | customer u32[] | seq u32[] | payloadEnd u32[]
 *     table u8[] | op u8[] | schemaVersion u8[] | payloads
 */
const magic = 0x31434250; // "PBC1"
const headerBytes = 16;

export const tableNames = ['orders', 'clicks', 'devices', 'customers'] as const;
export type TableName = (typeof tableNames)[number];
/** Debezium's letters, in the order of their codes. */
export const opNames = ['c', 'u', 'd'] as const;
export type OpName = (typeof opNames)[number];

/** A view of a block: its columns share the block's memory. */
export interface ChangeBatch {
  readonly count: number;
  /** When the change was offered to the change log, event time. */
  readonly emitUs: Float64Array;
  /** When the source committed it, event time. */
  readonly commitUs: Float64Array;
  readonly lsn: Float64Array;
  readonly customer: Uint32Array;
  /** Contiguous from 1 per customer, over all tables, in commit order. */
  readonly seq: Uint32Array;
  /** Payload i is `payloads.subarray(payloadEnd[i - 1] ?? 0, payloadEnd[i])`. */
  readonly payloadEnd: Uint32Array;
  /** Index into `tableNames`. */
  readonly table: Uint8Array;
  /** Index into `opNames`. */
  readonly op: Uint8Array;
  readonly schemaVersion: Uint8Array;
  readonly payloads: Uint8Array;
}

const aligned = (bytes: number) => (bytes + 7) & ~7;

/** Bytes of a block of `count` changes with `payloadBytes` of payload. */
export function blockBytes(count: number, payloadBytes: number): number {
  return headerBytes + 3 * 8 * count + 3 * aligned(4 * count) + 3 * aligned(count) + aligned(payloadBytes);
}

/** Lays out an empty block; fill its columns through the returned view. */
export function allocateBlock(count: number, payloadBytes: number): { block: Uint8Array; batch: ChangeBatch } {
  const block = new Uint8Array(blockBytes(count, payloadBytes));
  new Uint32Array(block.buffer, 0, 3).set([magic, count, payloadBytes]);
  return { block, batch: viewBlock(block) };
}

/** How many changes a block holds. */
export function countChanges(block: Uint8Array): number {
  return new DataView(block.buffer, block.byteOffset, headerBytes).getUint32(4, true);
}

/** Throws if the bytes are no block: a block is written by the harness, a broken one is a defect, not dirt. */
export function viewBlock(block: Uint8Array): ChangeBatch {
  const bytes = block.byteOffset % 8 === 0 ? block : block.slice();
  const header = new Uint32Array(bytes.buffer, bytes.byteOffset, 3);
  const found = header[0];
  const count = header[1] as number;
  const payloadBytes = header[2] as number;
  if (found !== magic)
    throw new Error(`change batch: expected magic ${magic}, found ${found} in ${block.length} bytes`);
  if (block.length < blockBytes(count, payloadBytes))
    throw new Error(
      `change batch: ${count} changes need ${blockBytes(count, payloadBytes)} bytes, found ${block.length}`,
    );
  const { buffer } = bytes;
  let at = bytes.byteOffset + headerBytes;
  const take = (size: number) => {
    const offset = at;
    at += aligned(size);
    return offset;
  };
  return {
    count,
    emitUs: new Float64Array(buffer, take(8 * count), count),
    commitUs: new Float64Array(buffer, take(8 * count), count),
    lsn: new Float64Array(buffer, take(8 * count), count),
    customer: new Uint32Array(buffer, take(4 * count), count),
    seq: new Uint32Array(buffer, take(4 * count), count),
    payloadEnd: new Uint32Array(buffer, take(4 * count), count),
    table: new Uint8Array(buffer, take(count), count),
    op: new Uint8Array(buffer, take(count), count),
    schemaVersion: new Uint8Array(buffer, take(count), count),
    payloads: new Uint8Array(buffer, take(payloadBytes), payloadBytes),
  };
}

/** The payload of change i, sharing the block's memory. */
export function payloadOf(batch: ChangeBatch, i: number): Uint8Array {
  return batch.payloads.subarray(i === 0 ? 0 : batch.payloadEnd[i - 1], batch.payloadEnd[i]);
}
