/**
 * From the changes of slots to the blocks of a trace: one block a slot and partition. Changes held back and copies wait
 * here for their slot; they are few, so what waits is bounded by the longest delay, not by the length of the trace.
 */
import { allocateBlock } from '../change-batch.js';
import { refusals } from '../refusals.js';
import type { SlotChanges } from './changes.js';
import type { PayloadWriter } from './payloads.js';

export interface SlotBlock {
  readonly slotUs: number;
  readonly partition: number;
  readonly block: Uint8Array;
  /** Per change: 0 sound, else an index into `refusals`. */
  readonly truth: Uint8Array;
}

export interface BlockBuilder {
  /** The blocks of a slot, in order of partition; partitions without a change have none. Slots come in order. */
  build(changes: SlotChanges): SlotBlock[];
}

const duplicate = refusals.indexOf('duplicate');

export function createBlockBuilder(options: {
  readonly partitions: number;
  readonly epochUs: number;
  readonly slotUs: number;
  readonly partitionOf: (customer: number) => number;
  readonly writePayload: PayloadWriter;
}): BlockBuilder {
  const { epochUs, slotUs, partitionOf, writePayload } = options;
  const open = Array.from({ length: options.partitions }, openBlock);
  const waiting = new Map<number, WaitingChange[]>();
  let scratch: Buffer = Buffer.alloc(1_024);

  const wait = (change: WaitingChange, slot: number) => {
    const queue = waiting.get(slot);
    if (queue) queue.push(change);
    else waiting.set(slot, [change]);
  };

  const holdBack = (changes: SlotChanges, i: number, truth: number): WaitingChange => {
    let end = writePayload(changes, i, scratch, 0);
    while (end < 0) {
      scratch = Buffer.alloc(2 * scratch.length);
      end = writePayload(changes, i, scratch, 0);
    }
    return {
      commitUs: changes.commitUs[i] as number,
      lsn: changes.lsn[i] as number,
      customer: changes.customer[i] as number,
      seq: changes.seq[i] as number,
      table: changes.table[i] as number,
      op: changes.op[i] as number,
      schemaVersion: changes.schemaVersion[i] as number,
      truth,
      payload: Uint8Array.prototype.slice.call(scratch, 0, end),
    };
  };

  return {
    build(changes) {
      const { slot } = changes;
      for (const change of waiting.get(slot) ?? []) addWaiting(open[partitionOf(change.customer)] as OpenBlock, change);
      waiting.delete(slot);
      for (let i = 0; i < changes.count; i++) {
        const emitSlot = changes.emitSlot[i] as number;
        const copySlot = changes.copySlot[i] as number;
        if (emitSlot > slot) wait(holdBack(changes, i, changes.refusal[i] as number), emitSlot);
        else addChange(open[partitionOf(changes.customer[i] as number)] as OpenBlock, changes, i, writePayload);
        if (copySlot > slot) wait(holdBack(changes, i, duplicate), copySlot);
      }
      const emitUs = epochUs + slot * slotUs;
      return open.flatMap((block, partition) => (block.count === 0 ? [] : [closeBlock(block, emitUs, partition)]));
    },
  };
}

interface WaitingChange {
  readonly commitUs: number;
  readonly lsn: number;
  readonly customer: number;
  readonly seq: number;
  readonly table: number;
  readonly op: number;
  readonly schemaVersion: number;
  readonly truth: number;
  readonly payload: Uint8Array;
}

/** A block being filled; its columns grow, and are reused from slot to slot. */
interface OpenBlock {
  count: number;
  payloadBytes: number;
  commitUs: Float64Array;
  lsn: Float64Array;
  customer: Uint32Array;
  seq: Uint32Array;
  payloadEnd: Uint32Array;
  table: Uint8Array;
  op: Uint8Array;
  schemaVersion: Uint8Array;
  truth: Uint8Array;
  payloads: Buffer;
}

function openBlock(): OpenBlock {
  return {
    count: 0,
    payloadBytes: 0,
    commitUs: new Float64Array(0),
    lsn: new Float64Array(0),
    customer: new Uint32Array(0),
    seq: new Uint32Array(0),
    payloadEnd: new Uint32Array(0),
    table: new Uint8Array(0),
    op: new Uint8Array(0),
    schemaVersion: new Uint8Array(0),
    truth: new Uint8Array(0),
    payloads: Buffer.alloc(4_096),
  };
}

function addChange(block: OpenBlock, changes: SlotChanges, i: number, writePayload: PayloadWriter): void {
  let end = writePayload(changes, i, block.payloads, block.payloadBytes);
  while (end < 0) {
    growPayloads(block);
    end = writePayload(changes, i, block.payloads, block.payloadBytes);
  }
  const row = addRow(block, end);
  block.commitUs[row] = changes.commitUs[i] as number;
  block.lsn[row] = changes.lsn[i] as number;
  block.customer[row] = changes.customer[i] as number;
  block.seq[row] = changes.seq[i] as number;
  block.table[row] = changes.table[i] as number;
  block.op[row] = changes.op[i] as number;
  block.schemaVersion[row] = changes.schemaVersion[i] as number;
  block.truth[row] = changes.refusal[i] as number;
}

function addWaiting(block: OpenBlock, change: WaitingChange): void {
  while (block.payloadBytes + change.payload.length > block.payloads.length) growPayloads(block);
  block.payloads.set(change.payload, block.payloadBytes);
  const row = addRow(block, block.payloadBytes + change.payload.length);
  block.commitUs[row] = change.commitUs;
  block.lsn[row] = change.lsn;
  block.customer[row] = change.customer;
  block.seq[row] = change.seq;
  block.table[row] = change.table;
  block.op[row] = change.op;
  block.schemaVersion[row] = change.schemaVersion;
  block.truth[row] = change.truth;
}

function addRow(block: OpenBlock, payloadEnd: number): number {
  if (block.count === block.seq.length) growColumns(block);
  const row = block.count++;
  block.payloadEnd[row] = payloadEnd;
  block.payloadBytes = payloadEnd;
  return row;
}

function closeBlock(open: OpenBlock, slotUs: number, partition: number): SlotBlock {
  const { count } = open;
  const { block, batch } = allocateBlock(count, open.payloadBytes);
  batch.emitUs.fill(slotUs);
  batch.commitUs.set(open.commitUs.subarray(0, count));
  batch.lsn.set(open.lsn.subarray(0, count));
  batch.customer.set(open.customer.subarray(0, count));
  batch.seq.set(open.seq.subarray(0, count));
  batch.payloadEnd.set(open.payloadEnd.subarray(0, count));
  batch.table.set(open.table.subarray(0, count));
  batch.op.set(open.op.subarray(0, count));
  batch.schemaVersion.set(open.schemaVersion.subarray(0, count));
  batch.payloads.set(open.payloads.subarray(0, open.payloadBytes));
  const truth = open.truth.slice(0, count);
  open.count = 0;
  open.payloadBytes = 0;
  return { slotUs, partition, block, truth };
}

function growPayloads(block: OpenBlock): void {
  const payloads = Buffer.alloc(2 * block.payloads.length);
  payloads.set(block.payloads);
  block.payloads = payloads;
}

function growColumns(block: OpenBlock): void {
  const capacity = Math.max(64, 2 * block.seq.length);
  const grown = <T extends { set(values: T): void }>(column: T, empty: T): T => {
    empty.set(column);
    return empty;
  };
  block.commitUs = grown(block.commitUs, new Float64Array(capacity));
  block.lsn = grown(block.lsn, new Float64Array(capacity));
  block.customer = grown(block.customer, new Uint32Array(capacity));
  block.seq = grown(block.seq, new Uint32Array(capacity));
  block.payloadEnd = grown(block.payloadEnd, new Uint32Array(capacity));
  block.table = grown(block.table, new Uint8Array(capacity));
  block.op = grown(block.op, new Uint8Array(capacity));
  block.schemaVersion = grown(block.schemaVersion, new Uint8Array(capacity));
  block.truth = grown(block.truth, new Uint8Array(capacity));
}
