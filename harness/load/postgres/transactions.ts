/**
 * A trace as the transactions of a database: one a slot, in it the rows that the contract accepts, in the order of their
 * commits, and a message beside them with what a row cannot hold.
 *
 * The message is the slot's blocks with the payloads of those rows left out: envelopes, and, whole, what never was a row
 * (broken bytes, values and schemas that break the contract, late changes, second copies). A change that is held back on its
 * way to the change log is a row when it is committed; the block that it belongs to comes with a later slot's message.
 */
import { allocateBlock, type ChangeBatch, payloadOf, viewBlock } from '../../../workloads/change-batch.js';
import { type ContractParams, createContract } from '../../../workloads/data-contract.js';
import { readEntries } from '../../../workloads/trace.js';
import { HarnessError } from '../../errors.js';
import { createOp, decodeImages, keyOf, type RowImage, type RowImages } from './rows.js';

/** A change of a row. */
export interface RowChange {
  /** Its number among all changes of the trace, in the order of commits. */
  readonly number: number;
  readonly table: number;
  readonly op: number;
  readonly key: number;
  readonly images: RowImages;
}

export interface SourceTransaction {
  readonly slotUs: number;
  /** In the order of their commits. */
  readonly rows: readonly RowChange[];
  readonly message: SlotMessage;
}

export interface SlotMessage {
  readonly slotUs: number;
  /** Of the rows of the transaction, in the order of their commits. */
  readonly rows: readonly Pick<RowChange, 'number' | 'table' | 'key'>[];
  /** In order of partition; a change without a payload is a row, of this transaction or of an earlier one. */
  readonly envelopes: readonly { readonly partition: number; readonly block: Uint8Array }[];
}

export interface Survey {
  /** What the tables hold before the first change: rows that changes build on. By table. */
  readonly initialRows: readonly (readonly RowImage[])[];
  readonly isRow: (ordinal: number) => boolean;
  /** Rows that are committed in this slot and offered in a later one. */
  readonly heldBackFrom: (slotUs: number) => readonly RowChange[];
  readonly isHeldBack: (number: number) => boolean;
}

/** What only the whole trace tells: read once, before anything is timed. */
export async function surveyTrace(trace: string, params: ContractParams): Promise<Survey> {
  const contract = createContract(params);
  const isRow: boolean[] = [];
  const seen = new Set<number>();
  const slots: { readonly slotUs: number; highest: number }[] = [];
  /** Over the slots before the last of `slots`. */
  let highestBefore = 0;
  const heldBack = new Map<number, RowChange[]>();
  const heldBackNumbers = new Set<number>();
  const created = new Set<string>();
  const builtOn = new Map<string, RowChange>();

  for await (const { slotUs, block } of readEntries(trace)) {
    let slot = slots.at(-1);
    if (slot?.slotUs !== slotUs) {
      highestBefore = slot?.highest ?? 0;
      slot = { slotUs, highest: highestBefore };
      slots.push(slot);
    }
    const batch = viewBlock(block);
    const { refusal } = contract.decode(batch);
    for (let i = 0; i < batch.count; i++) {
      const number = batch.lsn[i] as number;
      const sound = refusal[i] === 0 && !seen.has(number);
      isRow.push(sound);
      if (!sound) continue;
      seen.add(number);
      const overtaken = number < highestBefore;
      if (batch.op[i] !== createOp || overtaken) {
        const change = rowChangeOf(batch, i);
        const place = `${change.table} ${change.key}`;
        if (change.op === createOp) created.add(place);
        else if (number < (builtOn.get(place)?.number ?? Number.POSITIVE_INFINITY)) builtOn.set(place, change);
        if (overtaken) {
          const committed = slots.find(({ highest }) => highest > number) as { slotUs: number };
          heldBack.set(committed.slotUs, [...(heldBack.get(committed.slotUs) ?? []), change]);
          heldBackNumbers.add(number);
        }
      } else if (isUpdated(batch, i)) {
        const { table, key } = rowChangeOf(batch, i);
        created.add(`${table} ${key}`);
      }
      slot.highest = Math.max(slot.highest, number);
    }
  }
  const initialRows: RowImage[][] = [[], [], [], []];
  for (const [place, { table, images }] of builtOn)
    if (!created.has(place)) initialRows[table]?.push(images.before as RowImage);
  return {
    initialRows,
    isRow: (ordinal) => isRow[ordinal] === true,
    heldBackFrom: (slotUs) => heldBack.get(slotUs) ?? [],
    isHeldBack: (number) => heldBackNumbers.has(number),
  };
}

const clicks = 1;
/** Clicks are never touched again. */
const isUpdated = ({ table }: ChangeBatch, i: number) => table[i] !== clicks;

/** In order of slots. */
export async function* readTransactions(trace: string, survey: Survey): AsyncGenerator<SourceTransaction, void> {
  let slotUs = Number.NaN;
  let rows: RowChange[] = [];
  let envelopes: SlotMessage['envelopes'][number][] = [];
  let ordinal = 0;
  const closed = (): SourceTransaction => {
    rows.push(...survey.heldBackFrom(slotUs));
    rows.sort((a, b) => a.number - b.number);
    return { slotUs, rows, message: { slotUs, rows, envelopes } };
  };
  for await (const entry of readEntries(trace)) {
    if (entry.slotUs !== slotUs && envelopes.length > 0) {
      yield closed();
      rows = [];
      envelopes = [];
    }
    slotUs = entry.slotUs;
    const batch = viewBlock(entry.block);
    const first = ordinal;
    ordinal += batch.count;
    for (let i = 0; i < batch.count; i++) {
      if (survey.isRow(first + i) && !survey.isHeldBack(batch.lsn[i] as number)) rows.push(rowChangeOf(batch, i));
    }
    const block = withPayloads(batch, (i) => {
      if (survey.isRow(first + i)) return nothing;
      const payload = payloadOf(batch, i);
      if (payload.length === 0) throw new HarnessError(`${trace}: change ${first + i} has no payload`);
      return payload;
    });
    envelopes.push({ partition: entry.partition, block });
  }
  if (envelopes.length > 0) yield closed();
}

const nothing = new Uint8Array(0);

function rowChangeOf(batch: ChangeBatch, i: number): RowChange {
  const table = batch.table[i] as number;
  const images = decodeImages(table, batch.schemaVersion[i] as number, payloadOf(batch, i));
  return { number: batch.lsn[i] as number, table, op: batch.op[i] as number, key: keyOf(table, images), images };
}

/** The same changes with other payloads. */
export function withPayloads(batch: ChangeBatch, payload: (i: number) => Uint8Array): Uint8Array {
  const payloads = Array.from({ length: batch.count }, (_, i) => payload(i));
  const bytes = payloads.reduce((sum, { length }) => sum + length, 0);
  const { block, batch: made } = allocateBlock(batch.count, bytes);
  made.emitUs.set(batch.emitUs);
  made.commitUs.set(batch.commitUs);
  made.lsn.set(batch.lsn);
  made.customer.set(batch.customer);
  made.seq.set(batch.seq);
  made.table.set(batch.table);
  made.op.set(batch.op);
  made.schemaVersion.set(batch.schemaVersion);
  let end = 0;
  payloads.forEach((each, i) => {
    made.payloads.set(each, end);
    end += each.length;
    made.payloadEnd[i] = end;
  });
  return block;
}

/**
 * As bytes, little-endian:
 *
 *     slotUs f64 | rows u32 | envelopes u32 | (number f64 | key f64 | table u32 | 0 u32)* | (partition u32 | bytes u32 | block)*
 */
export function packMessage({ slotUs, rows, envelopes }: SlotMessage): Buffer {
  const head = Buffer.alloc(headBytes + rows.length * rowBytes);
  head.writeDoubleLE(slotUs, 0);
  head.writeUInt32LE(rows.length, 8);
  head.writeUInt32LE(envelopes.length, 12);
  rows.forEach(({ number, key, table }, row) => {
    const at = headBytes + row * rowBytes;
    head.writeDoubleLE(number, at);
    head.writeDoubleLE(key, at + 8);
    head.writeUInt32LE(table, at + 16);
  });
  const parts = envelopes.flatMap(({ partition, block }) => {
    const sizes = Buffer.alloc(8);
    sizes.writeUInt32LE(partition, 0);
    sizes.writeUInt32LE(block.length, 4);
    return [sizes, block];
  });
  return Buffer.concat([head, ...parts]);
}

export function unpackMessage(content: Uint8Array): SlotMessage {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const rows = Array.from({ length: bytes.readUInt32LE(8) }, (_, row) => {
    const at = headBytes + row * rowBytes;
    return { number: bytes.readDoubleLE(at), key: bytes.readDoubleLE(at + 8), table: bytes.readUInt32LE(at + 16) };
  });
  let at = headBytes + rows.length * rowBytes;
  const envelopes = Array.from({ length: bytes.readUInt32LE(12) }, () => {
    const partition = bytes.readUInt32LE(at);
    const end = at + 8 + bytes.readUInt32LE(at + 4);
    // A copy of its own, since a block's columns are read where they lie.
    const block = new Uint8Array(bytes.subarray(at + 8, end));
    at = end;
    return { partition, block };
  });
  return { slotUs: bytes.readDoubleLE(0), rows, envelopes };
}

const headBytes = 16;
const rowBytes = 24;
