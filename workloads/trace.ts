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
import type { ContractParams } from './data-contract.js';
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
