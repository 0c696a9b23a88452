/**
 * A row of a view, batch or speed: sums of events in tiles, to which another row can be added.
 *
 * Tile k of length L holds the events in ((k - 1) L, k L], so that the window (floor(t, L) - W, t] is the tiles with
 * k > floor(t / L) - W / L. A cell is kept in the shortest tile that a window can still ask for: a minute for the last
 * hour, a quarter for the last day, an hour for the last week. Minutes nest in quarters and quarters in hours.
 *
 * Layout, little-endian 32-bit words, times, ids and amounts as two words:
 *
 *     device: seenUs lo, hi, id lo, hi, risk (-1: none) | counts: orders, deleted, cells, held
 *     live orders: id lo, hi, placedUs lo, hi | deleted orders: id lo, hi
 *     cells: tile * 4 + level, category + 1 (0: clicks), count, amount lo, hi | held changes: doubles, one each field
 */
import type { ChangeBatch } from '../../workloads/change-batch.js';
import type { DecodedBatch } from '../../workloads/data-contract.js';
import { hourUs, minuteUs } from '../../workloads/durations.js';
import { CellList, cellWords } from './cell-list.js';
import { putWide, wideAt } from './words.js';

export const levels = [minuteUs, 15 * minuteUs, hourUs] as const;

/** Live orders that a batch row lists, latest first. Between two batches a customer never loses so many. */
export const listedOrders = 64;

/** A change as the views need it; -1 where it has no such thing. */
export interface Change {
  readonly seq: number;
  /** Index into tableNames and opNames. */
  readonly table: number;
  readonly op: number;
  readonly refused: boolean;
  readonly entity: number;
  readonly eventUs: number;
  readonly amountCents: number;
  readonly category: number;
  readonly risk: number;
  readonly beforeEventUs: number;
  readonly beforeAmountCents: number;
  readonly beforeCategory: number;
}

export interface ViewRow {
  device: { seenUs: number; id: number; risk: number } | null;
  /** Order id -> placedUs. */
  readonly orders: Map<number, number>;
  /** Orders that a row to which this one is added may list, and must not. */
  readonly deleted: Set<number>;
  readonly cells: CellList;
  /** Changes that have come before the ones they follow, by seq. */
  readonly held: Map<number, Change>;
}

export function emptyRow(): ViewRow {
  return { device: null, orders: new Map(), deleted: new Set(), cells: new CellList(), held: new Map() };
}

/** The tile of a minute that an event falls into, as a cell names it: tile * 4 + level. */
const minuteTile = (eventUs: number) => Math.ceil(eventUs / minuteUs) * 4;

/** Adds one sound change to a speed row. Its cells are minutes: what it covers is young, or a retraction. */
export function applyChange(row: ViewRow, change: Change): void {
  switch (change.table) {
    case 0:
      if (change.beforeEventUs >= 0)
        row.cells.add(minuteTile(change.beforeEventUs), change.beforeCategory + 1, -1, -change.beforeAmountCents);
      if (change.eventUs >= 0) {
        row.cells.add(minuteTile(change.eventUs), change.category + 1, 1, change.amountCents);
        row.orders.set(change.entity, change.eventUs);
        row.deleted.delete(change.entity);
      } else {
        row.orders.delete(change.entity);
        row.deleted.add(change.entity);
      }
      return;
    case 1:
      row.cells.add(minuteTile(change.eventUs), 0, 1, 0);
      return;
    case 2:
      row.device = laterDevice(row.device, {
        seenUs: change.eventUs,
        id: change.entity,
        risk: change.risk,
      });
  }
}

/** The one seen last; of two seen at once the one with the lower id. */
export function laterDevice(known: ViewRow['device'], seen: ViewRow['device']): ViewRow['device'] {
  if (!known || !seen) return seen ?? known;
  return seen.seenUs > known.seenUs || (seen.seenUs === known.seenUs && seen.id <= known.id) ? seen : known;
}

/** `row` as it is stored: a view of the memory that the rows of this writer share. */
export function encodeRow(row: ViewRow, writer: RowWriter = new RowWriter(0)): Uint8Array {
  const { device, orders, deleted, cells, held } = row;
  writer.begin({ orders: orders.size, deleted: deleted.size, cells: cells.count, held: held.size });
  if (device) writer.device(device.seenUs, device.id, device.risk);
  for (const [id, placedUs] of orders) writer.order(id, placedUs);
  for (const id of deleted) writer.deleted(id);
  writer.cells(cells.words());
  for (const change of held.values()) writer.held(change);
  return writer.end();
}

const headWords = 9;

/** Writes rows one after the other, part by part in the order of the layout; a row is a view of the memory that they share. */
export class RowWriter {
  private words = new Int32Array(0);
  private doubles = new Float64Array(0);
  private start = 0;
  private at = 0;
  private heldFrom = 0;
  private finish = 0;

  /** Takes memory for rows by as many words, or more where a row is longer. */
  constructor(private readonly blockWords: number) {}

  /** How many of each part the row has; the parts follow. */
  begin(parts: {
    readonly orders: number;
    readonly deleted: number;
    readonly cells: number;
    readonly held: number;
  }): void {
    const words = headWords + parts.orders * 4 + parts.deleted * 2 + parts.cells * cellWords;
    const heldAt = words + (words & 1);
    const length = heldAt + parts.held * heldFields.length * 2;
    this.start = this.finish;
    if (this.start + length > this.words.length) {
      this.words = new Int32Array(Math.max(this.blockWords, length));
      this.doubles = new Float64Array(this.words.buffer);
      this.start = 0;
    }
    this.at = this.start + 4;
    this.heldFrom = (this.start + heldAt) / 2;
    this.finish = this.start + length;
    this.word(-1);
    this.word(parts.orders);
    this.word(parts.deleted);
    this.word(parts.cells);
    this.word(parts.held);
  }

  /** The row has none unless this is called. */
  device(seenUs: number, id: number, risk: number): void {
    const { at } = this;
    this.at = this.start;
    this.wide(seenUs);
    this.wide(id);
    this.word(risk);
    this.at = at;
  }

  order(id: number, placedUs: number): void {
    this.wide(id);
    this.wide(placedUs);
  }

  deleted(id: number): void {
    this.wide(id);
  }

  /** `tile`: tile * 4 + level; `kind`: category + 1, or 0 for clicks. */
  cell(tile: number, kind: number, count: number, amount: number): void {
    this.word(tile);
    this.word(kind);
    this.word(count);
    this.wide(amount);
  }

  cells(words: Int32Array): void {
    this.words.set(words, this.at);
    this.at += words.length;
  }

  held(change: Change): void {
    for (const field of heldFields) this.doubles[this.heldFrom++] = Number(change[field]);
  }

  end(): Uint8Array {
    return new Uint8Array(this.words.buffer, this.start * 4, (this.finish - this.start) * 4);
  }

  private word(value: number): void {
    this.words[this.at++] = value;
  }

  private wide(value: number): void {
    putWide(this.words, this.at, value);
    this.at += 2;
  }
}

const heldFields = [
  'seq',
  'table',
  'op',
  'refused',
  'entity',
  'eventUs',
  'amountCents',
  'category',
  'risk',
  'beforeEventUs',
  'beforeAmountCents',
  'beforeCategory',
] as const satisfies readonly (keyof Change)[];

/** An encoded row, where its parts begin; in words. */
export interface EncodedRow {
  readonly words: Int32Array;
  readonly orders: number;
  readonly deletedAt: number;
  readonly deleted: number;
  readonly cellsAt: number;
  readonly cells: number;
  readonly heldAt: number;
  readonly held: number;
}

export const ordersAt = headWords;

/** Finds the parts of an encoded row; copies it only where it does not lie as its words must. Throws if it was cut off. */
export function openRow(value: Uint8Array): EncodedRow {
  const bytes = value.byteOffset % 8 === 0 ? value : value.slice();
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  const orders = words[5] as number;
  const deleted = words[6] as number;
  const cells = words[7] as number;
  const deletedAt = ordersAt + orders * 4;
  const cellsAt = deletedAt + deleted * 2;
  const cellsEnd = cellsAt + cells * cellWords;
  const heldAt = cellsEnd + (cellsEnd & 1);
  const held = words[8] as number;
  const expected = 4 * (heldAt + held * heldFields.length * 2);
  if (bytes.length !== expected)
    throw new Error(
      `view row of ${bytes.length} bytes: expected ${bytes.length < 4 * headWords ? `${4 * headWords} or more` : expected}; another program wrote to this table of the online store`,
    );
  return { words, orders, deletedAt, deleted, cellsAt, cells, heldAt, held };
}

/** The device of an encoded row; null: it has none. */
export function deviceOf({ words }: EncodedRow): ViewRow['device'] {
  const risk = words[4] as number;
  return risk < 0 ? null : { seenUs: wideAt(words, 0), id: wideAt(words, 2), risk };
}

export function decodeRow(value: Uint8Array): ViewRow {
  const encoded = openRow(value);
  const { words, orders, deletedAt, deleted, cellsAt, cells } = encoded;
  const row = emptyRow();
  row.device = deviceOf(encoded);
  for (let i = 0; i < orders; i++) row.orders.set(wideAt(words, ordersAt + i * 4), wideAt(words, ordersAt + i * 4 + 2));
  for (let i = 0; i < deleted; i++) row.deleted.add(wideAt(words, deletedAt + i * 2));
  row.cells.take(words.subarray(cellsAt, cellsAt + cells * cellWords));
  for (const change of heldOf(encoded)) row.held.set(change.seq, change);
  return row;
}

/** The changes that an encoded row holds back. */
export function heldOf({ words, heldAt, held }: EncodedRow): Change[] {
  const doubles = new Float64Array(words.buffer, words.byteOffset + heldAt * 4, held * heldFields.length);
  return Array.from({ length: held }, (_, i) => {
    const field = (name: (typeof heldFields)[number]) =>
      doubles[i * heldFields.length + heldFields.indexOf(name)] as number;
    const change = Object.fromEntries(heldFields.map((name) => [name, field(name)])) as unknown as Change;
    return { ...change, refused: field('refused') === 1 };
  });
}

/** The change that is being looked at: one object for all of them, as few are held beyond that, and those as a copy. */
export type ChangeInHand = { -readonly [Field in keyof Change]: Change[Field] };

export function createChangeInHand(): ChangeInHand {
  return {
    seq: 0,
    table: 0,
    op: 0,
    refused: false,
    entity: -1,
    eventUs: -1,
    amountCents: -1,
    category: -1,
    risk: -1,
    beforeEventUs: -1,
    beforeAmountCents: -1,
    beforeCategory: -1,
  };
}

/** Takes change i of a block into the hand. */
export function takeChange(hand: ChangeInHand, batch: ChangeBatch, decoded: DecodedBatch, i: number): void {
  hand.seq = batch.seq[i] as number;
  hand.table = batch.table[i] as number;
  hand.op = batch.op[i] as number;
  hand.refused = decoded.refusal[i] !== 0;
  hand.entity = decoded.entity[i] as number;
  hand.eventUs = decoded.eventUs[i] as number;
  hand.amountCents = decoded.amountCents[i] as number;
  hand.category = decoded.category[i] as number;
  hand.risk = decoded.risk[i] as number;
  hand.beforeEventUs = decoded.beforeEventUs[i] as number;
  hand.beforeAmountCents = decoded.beforeAmountCents[i] as number;
  hand.beforeCategory = decoded.beforeCategory[i] as number;
}
