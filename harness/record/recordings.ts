/**
 * A recording: a growing file of fixed-width rows, written by a process that must not be disturbed by writing it, and
 * still readable when that process was killed.
 *
 *     "PBREC1\n\0" | header bytes u32 | header: JSON of the columns' names and layout
 *     chunk*:  "CHNK" u32 | rows u32 | CRC-32 of the values u32 | values of column 1, of column 2, ...
 *     a chunk of no rows: the recording was closed
 *
 * Little-endian. `push` fills preallocated columns; full chunks are written behind it, one at a time, and at least once
 * a second, so that a kill loses a second at most.
 */
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { secondUs } from '../../workloads/durations.js';
import { hostClock } from '../clock.js';
import { HarnessError, messageOf } from '../errors.js';
import { allocateColumn, allocateColumns, type Columns, type Layout } from './column-files.js';

const fileMagic = Buffer.from('PBREC1\n\0', 'latin1');
const chunkMagic = 0x4b4e4843; // "CHNK"
const chunkHeaderBytes = 12;
const chunkRows = 8192;
const flushUs = secondUs;
/** Chunks that may wait for the disk. A disk that lets more wait has stalled, and the recording fails, loudly. */
const chunksInFlight = 64;

const bytesOf = { f64: 8, u32: 4, u8: 1 };

export type { Columns, Layout };

export interface Recording<L extends Layout> {
  readonly layout: L;
  /** One row, its values in the order of the columns. Throws once a write has failed or the disk has stalled. */
  push(...values: number[]): void;
  /** Resolves when every row until now outlives its writer. */
  flush(): Promise<void>;
  /** Writes what is left and syncs; the recording is whole when this resolves. To be called as often as one likes. */
  close(): Promise<void>;
}

interface Chunk {
  rows: number;
  readonly columns: readonly (Float64Array | Uint32Array | Uint8Array)[];
}

export async function openRecording<L extends Layout>(path: string, layout: L): Promise<Recording<L>> {
  const file = await open(path, 'wx');
  await writeHeader(file, layout);
  const width = Object.keys(layout).length;
  const free: Chunk[] = [];
  let chunks = 0;
  let failure: Error | undefined;
  let writing: Promise<void> = Promise.resolve();
  let closed: Promise<void> | undefined;
  let filling = takeChunk();
  let stopFlushing = hostClock.after(flushUs, flush);

  function takeChunk(): Chunk {
    const chunk = free.pop();
    if (chunk) return chunk;
    if (++chunks > chunksInFlight) {
      failure ??= new HarnessError(
        `${path}: the disk has not taken ${chunksInFlight} chunks of ${chunkRows} rows; the recording would grow without bound. Use a faster disk or record less.`,
      );
      throw failure;
    }
    return { rows: 0, columns: Object.values(layout).map((kind) => allocateColumn(kind, chunkRows)) };
  }

  function handOver(): void {
    const full = filling;
    filling = takeChunk();
    writing = writing
      .then(async () => {
        // Behind a part of a chunk nothing more can be read.
        if (failure) return;
        await writeChunk(file, full);
        full.rows = 0;
        free.push(full);
      })
      .catch((error) => {
        failure ??= new HarnessError(`${path}: writing failed: ${messageOf(error)}`, { cause: error });
      });
  }

  function flushNow(): void {
    if (filling.rows > 0 && (free.length > 0 || chunks < chunksInFlight)) handOver();
  }

  function flush(): void {
    flushNow();
    stopFlushing = hostClock.after(flushUs, flush);
  }

  return {
    layout,
    push(...values) {
      if (values.length !== width)
        throw new HarnessError(`${path}: a row of ${values.length} values, expected ${width}: ${Object.keys(layout)}`);
      if (failure) throw failure;
      const { columns, rows } = filling;
      for (let at = 0; at < width; at++) columns[at]![rows] = values[at]!;
      filling.rows = rows + 1;
      if (filling.rows === chunkRows) handOver();
    },
    async flush() {
      flushNow();
      await writing;
      if (failure) throw failure;
    },
    close() {
      closed ??= finish();
      return closed;
    },
  };

  async function finish(): Promise<void> {
    stopFlushing();
    const last = filling;
    await writing;
    try {
      if (failure) throw failure;
      if (last.rows > 0) await writeChunk(file, last);
      await writeChunk(file, { rows: 0, columns: [] });
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

async function writeHeader(file: FileHandle, layout: Layout): Promise<void> {
  const header = Buffer.from(JSON.stringify(layout));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  await writeWhole(file, [fileMagic, length, header]);
}

async function writeChunk(file: FileHandle, chunk: Chunk): Promise<void> {
  const values = chunk.columns.map((column) => new Uint8Array(column.buffer, 0, chunk.rows * column.BYTES_PER_ELEMENT));
  const header = Buffer.alloc(chunkHeaderBytes);
  header.writeUInt32LE(chunkMagic, 0);
  header.writeUInt32LE(chunk.rows, 4);
  header.writeUInt32LE(
    values.reduce((crc, bytes) => crc32(bytes, crc), 0),
    8,
  );
  await writeWhole(file, [header, ...values]);
}

/** One system call as a rule; a short write is finished, since a hole would hide everything behind it. */
async function writeWhole(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  const total = parts.reduce((bytes, part) => bytes + part.length, 0);
  const { bytesWritten } = await file.writev(parts);
  if (bytesWritten === total) return;
  const rest = Buffer.concat(parts).subarray(bytesWritten);
  await file.writeFile(rest);
}

/** A recording's rows. `complete` is false if its writer was killed: what it had not yet written is missing. */
export async function readRecording<L extends Layout>(
  path: string,
  layout: L,
): Promise<Columns<L> & { readonly complete: boolean }> {
  const bytes = await readFile(path);
  const { chunks, complete } = findChunks(path, bytes, layout);
  const columns = allocateColumns(
    layout,
    chunks.reduce((rows, chunk) => rows + chunk.rows, 0),
  );
  let row = 0;
  for (const { rows, at } of chunks) {
    let from = at;
    for (const [name, kind] of Object.entries(layout)) {
      const column = columns[name] as Float64Array;
      const size = rows * bytesOf[kind];
      new Uint8Array(column.buffer, row * bytesOf[kind], size).set(bytes.subarray(from, from + size));
      from += size;
    }
    row += rows;
  }
  return { ...columns, complete };
}

/** The whole chunks. A chunk that the file ends in is the one during which the writer died; any other damage is an error. */
function findChunks(path: string, bytes: Buffer, layout: Layout) {
  let at = checkHeader(path, bytes, layout);
  const rowBytes = Object.values(layout).reduce((sum, kind) => sum + bytesOf[kind], 0);
  const chunks: { rows: number; at: number }[] = [];
  while (at + chunkHeaderBytes <= bytes.length) {
    const rows = bytes.readUInt32LE(at + 4);
    const from = at + chunkHeaderBytes;
    const to = from + rows * rowBytes;
    const isChunk = bytes.readUInt32LE(at) === chunkMagic;
    if (isChunk && to > bytes.length) break;
    if (!isChunk || crc32(bytes.subarray(from, to)) !== bytes.readUInt32LE(at + 8)) {
      throw new HarnessError(
        `${path}: the chunk at byte ${at} is damaged (${bytes.length - at} bytes follow). Run the scenario again; if it happens twice, check the disk.`,
      );
    }
    if (rows === 0) return { chunks, complete: true };
    chunks.push({ rows, at: from });
    at = to;
  }
  return { chunks, complete: false };
}

function checkHeader(path: string, bytes: Buffer, layout: Layout): number {
  const from = fileMagic.length + 4;
  if (bytes.length < from || !bytes.subarray(0, fileMagic.length).equals(fileMagic))
    throw new HarnessError(`${path} is no recording: it does not begin with ${JSON.stringify(fileMagic.toString())}`);
  const to = from + bytes.readUInt32LE(fileMagic.length);
  const found = bytes.subarray(from, to).toString();
  if (found !== JSON.stringify(layout))
    throw new HarnessError(`${path} records columns ${found}, expected ${JSON.stringify(layout)}`);
  return to;
}
