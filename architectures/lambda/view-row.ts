/**
 * A row of a view, batch or speed: sums of events in tiles, to which another row can be added.
 *
 * Tile k of length L holds the events in ((k - 1) L, k L], so that the window (floor(t, L) - W, t] is the tiles with
 * k > floor(t / L) - W / L. A cell is kept in the shortest tile that a window can still ask for: a minute for the last
 * hour, a quarter for the last day, an hour for the last week. Minutes nest in quarters and quarters in hours.
 *
 * Layout, little-endian 32-bit words, times as two words:
 *
 *     device: seenUs lo, hi, id lo, hi, risk (-1: none) | counts: orders, deleted, cells, held
 *     live orders: id lo, hi, placedUs lo, hi | deleted orders: id lo, hi
 *     cells: tile * 4 + level, category + 1 (0: clicks), count, amount | held changes: doubles, one each field
 */

import type { DecodedBatch } from '../../workloads/data-contract.js';
import { hourUs, minuteUs } from '../../workloads/durations.js';

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
  /** Key `tile * 4 + level` and category, see `cellKey`. */
  readonly cells: Map<number, { count: number; amount: number }>;
  /** Changes that have come before the ones they follow, by seq. */
  readonly held: Map<number, Change>;
}

export function emptyRow(): ViewRow {
  return { device: null, orders: new Map(), deleted: new Set(), cells: new Map(), held: new Map() };
}

const categories = 64;

/** One number for a tile, its level and what is counted in it: category + 1, or 0 for clicks. */
function cellKey(tile: number, level: number, kind: number): number {
  return (tile * 4 + level) * categories + kind;
}

const tileOf = (eventUs: number, level: number) => Math.ceil(eventUs / (levels[level] as number));

function addCell(row: ViewRow, key: number, count: number, amount: number): void {
  const cell = row.cells.get(key);
  if (cell) {
    cell.count += count;
    cell.amount += amount;
  } else row.cells.set(key, { count, amount });
}

/** Adds one sound change to a speed row. Its cells are minutes: what it covers is young, or a retraction. */
export function applyChange(row: ViewRow, change: Change): void {
  switch (change.table) {
    case 0:
      if (change.beforeEventUs >= 0)
        addCell(
          row,
          cellKey(tileOf(change.beforeEventUs, 0), 0, change.beforeCategory + 1),
          -1,
          -change.beforeAmountCents,
        );
      if (change.eventUs >= 0) {
        addCell(row, cellKey(tileOf(change.eventUs, 0), 0, change.category + 1), 1, change.amountCents);
        row.orders.set(change.entity, change.eventUs);
        row.deleted.delete(change.entity);
      } else {
        row.orders.delete(change.entity);
        row.deleted.add(change.entity);
      }
      return;
    case 1:
      addCell(row, cellKey(tileOf(change.eventUs, 0), 0, 0), 1, 0);
      return;
    case 2:
      seeDevice(row, change.eventUs, change.entity, change.risk);
  }
}

function seeDevice(row: ViewRow, seenUs: number, id: number, risk: number): void {
  const { device } = row;
  if (!device || seenUs > device.seenUs || (seenUs === device.seenUs && id <= device.id))
    row.device = { seenUs, id, risk };
}

/** `row` as it is stored, in memory of its own. */
export function encodeRow(row: ViewRow): Uint8Array {
  const { device, orders, deleted, cells, held } = row;
  const writer = new RowWriter(0);
  writer.begin({ orders: orders.size, deleted: deleted.size, cells: cells.size, held: held.size });
  if (device) writer.device(device.seenUs, device.id, device.risk);
  for (const [id, placedUs] of orders) writer.order(id, placedUs);
  for (const id of deleted) writer.deleted(id);
  for (const [key, { count, amount }] of cells)
    writer.cell(Math.floor(key / categories), key % categories, count, amount);
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
    const words = headWords + parts.orders * 4 + parts.deleted * 2 + parts.cells * 4;
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
    this.word(amount);
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
    const high = Math.floor(value / 2 ** 32);
    this.word((value - high * 2 ** 32) | 0);
    this.word(high);
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

export function decodeRow(value: Uint8Array): ViewRow {
  const row = emptyRow();
  addRow(row, value);
  return row;
}

/** Adds an encoded row to `row`: what serving does with the batch row and the speed row of a customer, in this order. */
export function addRow(row: ViewRow, value: Uint8Array): void {
  const bytes = value.byteOffset % 8 === 0 ? value : value.slice();
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 4));
  let at = 0;
  const word = () => words[at++] as number;
  const wide = () => {
    const low = word() >>> 0;
    return low + word() * 2 ** 32;
  };
  const seenUs = wide();
  const id = wide();
  const risk = word();
  if (risk >= 0) seeDevice(row, seenUs, id, risk);
  const orders = word();
  const deleted = word();
  const cells = word();
  const held = word();
  for (let i = 0; i < orders; i++) {
    const order = wide();
    row.orders.set(order, wide());
  }
  for (let i = 0; i < deleted; i++) {
    const order = wide();
    row.orders.delete(order);
    row.deleted.add(order);
  }
  for (let i = 0; i < cells; i++) {
    const key = word() * categories + word();
    const count = word();
    addCell(row, key, count, word());
  }
  at += at & 1;
  const doubles = new Float64Array(bytes.buffer, bytes.byteOffset + at * 4, held * heldFields.length);
  for (let i = 0; i < held; i++) {
    const field = (name: (typeof heldFields)[number]) =>
      doubles[i * heldFields.length + heldFields.indexOf(name)] as number;
    const change = Object.fromEntries(heldFields.map((name) => [name, field(name)])) as unknown as Change;
    row.held.set(change.seq, { ...change, refused: field('refused') === 1 });
  }
}

const weekHours = 7 * 24;

/** The features of customer_activity, in the view's order, at `asOfUs`. */
export function evaluateRow(row: ViewRow, asOfUs: number): (number | null)[] {
  // Per level the first tile that is still in the window of 1 h, 24 h, 7 d.
  const from = [60, 96, weekHours].map((tiles, level) => Math.floor(asOfUs / (levels[level] as number)) - tiles + 1);
  const count = [0, 0, 0];
  const amount = [0, 0, 0];
  const clicks = [0, 0, 0];
  const byCategory = new Map<number, number>();
  for (const [key, cell] of row.cells) {
    const kind = key % categories;
    const packed = Math.floor(key / categories);
    let tile = Math.floor(packed / 4);
    for (let level = packed % 4; level < 3; level++) {
      if (level > packed % 4) tile = Math.ceil(tile / (level === 1 ? 15 : 4));
      if (tile < (from[level] as number)) continue;
      if (kind === 0) clicks[level] = (clicks[level] as number) + cell.count;
      else {
        count[level] = (count[level] as number) + cell.count;
        amount[level] = (amount[level] as number) + cell.amount;
        if (level === 2) byCategory.set(kind - 1, (byCategory.get(kind - 1) ?? 0) + cell.count);
      }
    }
  }
  const weekStartUs = ((from[2] as number) - 1) * hourUs;
  let lastUs = -1;
  for (const placedUs of row.orders.values()) if (placedUs > weekStartUs && placedUs > lastUs) lastUs = placedUs;
  let top: number | null = null;
  let topCount = 0;
  for (const [category, orders] of byCategory) {
    if (orders > topCount || (orders === topCount && orders > 0 && category < (top as number)))
      [top, topCount] = [category, orders];
  }
  const share = top === null ? null : Math.floor((topCount * 10_000) / (count[2] as number));
  return [...count, ...amount, ...clicks, lastUs < 0 ? null : asOfUs - lastUs, top, share, row.device?.risk ?? null];
}

/** Change i of a decoded block, as an object: for the few that must be held, and for the speed layer's own bookkeeping. */
export function changeAt(seq: number, table: number, op: number, decoded: DecodedBatch, i: number): Change {
  return {
    seq,
    table,
    op,
    refused: decoded.refusal[i] !== 0,
    entity: decoded.entity[i] as number,
    eventUs: decoded.eventUs[i] as number,
    amountCents: decoded.amountCents[i] as number,
    category: decoded.category[i] as number,
    risk: decoded.risk[i] as number,
    beforeEventUs: decoded.beforeEventUs[i] as number,
    beforeAmountCents: decoded.beforeAmountCents[i] as number,
    beforeCategory: decoded.beforeCategory[i] as number,
  };
}
