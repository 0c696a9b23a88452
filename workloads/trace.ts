/**
 * A trace: one seed's stream of changes, generated once, encoded, on disk. Every arm, the oracle and the ledger read
 * the same bytes. A trace folder holds
 *
 *     trace.json       TraceInfo
 *     changes.bin      entries in order of slot, then partition: slotUs f64 | partition u32 | bytes u32 | block
 *     truth.bin        per change, in the order of changes.bin, one byte: 0 sound, else what the generator did to it
 *                      (index into `refusals`, so `duplicate` is marked on the later copy); for the ledger only
 *     history/         orders.parquet clicks.parquet devices.parquet customers.parquet
 */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HarnessError, messageOf, UsageError } from '../harness/errors.js';
import type { ContractParams } from './data-contract.js';
import { hashHistoryFiles, historyPath } from './source/history-files.js';
import type { Workload } from './workload.js';

export interface TraceInfo {
  readonly schema: 'planebench.trace/1';
  readonly seed: number;
  readonly epochUs: number;
  readonly durationUs: number;
  readonly workload: Workload;
  readonly contract: ContractParams;
  readonly changes: number;
  readonly entries: number;
  /** Of changes.bin, truth.bin and the history columns in canonical order. */
  readonly sha256: string;
  readonly history: { readonly facts: number; readonly parquetBytes: number; readonly columnBytes: number };
  /** Seeded, drawn with probability proportional to the number of changes. */
  readonly panel: readonly number[];
  /** Some raw e-mails and phone numbers that occur in history or changes, for the leak search. */
  readonly personalSamples: readonly string[];
}

export interface TraceEntry {
  readonly slotUs: number;
  readonly partition: number;
  /** The block, sharing the reader's buffer: valid until the next entry. */
  readonly block: Uint8Array;
}

const traceSchema: TraceInfo['schema'] = 'planebench.trace/1';

export function tracePaths(directory: string) {
  return {
    info: join(directory, 'trace.json'),
    changes: join(directory, 'changes.bin'),
    truth: join(directory, 'truth.bin'),
    history: join(directory, 'history'),
  };
}

/** The files of a trace's history, as a backfill is asked to load them. */
export function historyFiles(directory: string) {
  const { history } = tracePaths(directory);
  return {
    orders: historyPath(history, 'orders'),
    clicks: historyPath(history, 'clicks'),
    devices: historyPath(history, 'devices'),
    customers: historyPath(history, 'customers'),
  };
}

export async function readTrace(directory: string): Promise<TraceInfo> {
  const { info } = tracePaths(directory);
  const text = await readFile(info, 'utf8').catch((error: unknown) => {
    throw new UsageError(`trace ${directory}: no trace there (${messageOf(error)}); generate it first.`, {
      cause: error,
    });
  });
  let parsed: { readonly schema?: unknown };
  try {
    parsed = JSON.parse(text) as { readonly schema?: unknown };
  } catch (error) {
    throw new UsageError(`trace ${directory}: trace.json is not JSON (${messageOf(error)}); generate it again.`, {
      cause: error,
    });
  }
  if (parsed?.schema !== traceSchema)
    throw new UsageError(
      `trace ${directory}: expected schema ${traceSchema}, found ${String(parsed?.schema)}; generate it again with this version.`,
    );
  return parsed as TraceInfo;
}

/** Throws unless the files are, byte for byte, those that the trace was written with. */
export async function verifyTrace(directory: string): Promise<TraceInfo> {
  const info = await readTrace(directory);
  const paths = tracePaths(directory);
  const history = createHash('sha256');
  await hashHistoryFiles(history, paths.history);
  const found = combineHashes([await hashFile(paths.changes), await hashFile(paths.truth), history]);
  if (found !== info.sha256)
    throw new HarnessError(
      `trace ${directory}: its files hash to ${found}, trace.json says ${info.sha256}; they were changed, generate the trace again.`,
    );
  return info;
}

/** One hash of several, in their order. */
export function combineHashes(hashes: readonly Hash[]): string {
  const all = createHash('sha256');
  for (const hash of hashes) all.update(hash.digest());
  return all.digest('hex');
}

async function hashFile(path: string): Promise<Hash> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: readBytes })) hash.update(chunk as Uint8Array);
  return hash;
}

export const entryHeaderBytes = 16;
const readBytes = 4_194_304;

export function writeEntryHeader(header: Uint8Array, slotUs: number, partition: number, blockBytes: number): void {
  const view = new DataView(header.buffer, header.byteOffset, entryHeaderBytes);
  view.setFloat64(0, slotUs, true);
  view.setUint32(8, partition, true);
  view.setUint32(12, blockBytes, true);
}

/**
 * The entries in their order, read in large pieces; memory does not grow with the trace. Blocks start at multiples of
 * 8 bytes, so that `viewBlock` shares their memory.
 */
export async function* readEntries(directory: string): AsyncGenerator<TraceEntry, void> {
  const path = tracePaths(directory).changes;
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    let buffer = new Uint8Array(Math.max(entryHeaderBytes, Math.min(readBytes, size)));
    let filled = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, filled, buffer.length - filled);
      filled += bytesRead;
      const view = new DataView(buffer.buffer);
      let at = 0;
      let longest = 0;
      while (at + entryHeaderBytes <= filled) {
        const end = at + entryHeaderBytes + view.getUint32(at + 12, true);
        longest = Math.max(longest, end - at);
        if (end > filled) break;
        yield {
          slotUs: view.getFloat64(at, true),
          partition: view.getUint32(at + 8, true),
          block: buffer.subarray(at + entryHeaderBytes, end),
        };
        at = end;
      }
      if (bytesRead === 0 && at < filled)
        throw new HarnessError(`${path}: ends within an entry; generate the trace again.`);
      if (bytesRead === 0) return;
      const rest = buffer.subarray(at, filled);
      if (longest > buffer.length) buffer = new Uint8Array(2 * longest);
      buffer.set(rest);
      filled = rest.length;
    }
  } finally {
    await file.close();
  }
}
