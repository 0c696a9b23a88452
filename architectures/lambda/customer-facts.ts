/**
 * What the batch layer collects about every customer: columns of all customers together, in which the facts of one hang
 * together as a list. Facts are placed in their tile as they come, and what is older than every window is left out.
 */
import { type Change, levels, listedOrders, type RowWriter } from './view-row.js';

/** An event: [place of the customer's event before it, 0: none | tile * 4 + level | kind * 2, + 1 if retracted | amount]. */
const eventWords = 4;
/** An order: [place of the customer's order before it, 0: none | id | placedUs]. */
const orderDoubles = 3;

export class CustomerFacts {
  private readonly events: Int32Array;
  private readonly orders: Float64Array;
  private readonly lastEvent: Int32Array;
  private readonly lastOrder: Int32Array;
  private readonly deviceSeenUs: Float64Array;
  private readonly deviceId: Float64Array;
  /** -1: no device is known. */
  private readonly deviceRisk: Int32Array;
  private readonly deletedOrders = new Set<number>();
  private readonly movedOrders = new Map<number, { readonly seq: number; readonly placedUs: number }>();
  private readonly held = new Map<number, Map<number, Change>>();
  private readonly fromUs: readonly number[];
  private readonly cells = new CellSums();
  private readonly latest = new LatestOrders();
  /** Place 0 is nobody's. */
  private nextEvent = eventWords;
  private nextOrder = orderDoubles;

  /** `events` and `orders`: how many there can be at most; memory that is not written to costs nothing. */
  constructor(options: {
    readonly customers: number;
    readonly events: number;
    readonly orders: number;
    readonly asOfUs: number;
  }) {
    const { customers, events, orders, asOfUs } = options;
    this.events = new Int32Array((events + 1) * eventWords);
    this.orders = new Float64Array((orders + 1) * orderDoubles);
    this.lastEvent = new Int32Array(customers);
    this.lastOrder = new Int32Array(customers);
    this.deviceSeenUs = new Float64Array(customers);
    this.deviceId = new Float64Array(customers);
    this.deviceRisk = new Int32Array(customers).fill(-1);
    this.fromUs = [60, 96, 7 * 24].map((tiles, level) => {
      const tileUs = levels[level] as number;
      return (Math.floor(asOfUs / tileUs) - tiles) * tileUs;
    });
  }

  /** `kind`: category + 1, or 0 for a click. */
  addEvent(customer: number, eventUs: number, kind: number, amountCents: number): void {
    this.add(customer, eventUs, kind * 2, amountCents);
  }

  retractEvent(customer: number, eventUs: number, kind: number, amountCents: number): void {
    this.add(customer, eventUs, kind * 2 + 1, -amountCents);
  }

  /** Into the shortest tile that a window at `asOfUs` or later can still ask for. */
  private add(customer: number, eventUs: number, kindAndSign: number, amountCents: number): void {
    const { events, fromUs } = this;
    let level = 0;
    while (level < 3 && eventUs <= (fromUs[level] as number)) level++;
    if (level === 3) return;
    const at = this.nextEvent;
    this.nextEvent += eventWords;
    events[at] = this.lastEvent[customer] as number;
    events[at + 1] = Math.ceil(eventUs / (levels[level] as number)) * 4 + level;
    events[at + 2] = kindAndSign;
    events[at + 3] = amountCents;
    this.lastEvent[customer] = at;
  }

  /** Once for each time that the order is written. */
  addOrder(customer: number, id: number, placedUs: number): void {
    if (placedUs <= (this.fromUs[2] as number)) return;
    const at = this.nextOrder;
    this.nextOrder += orderDoubles;
    this.orders[at] = this.lastOrder[customer] as number;
    this.orders[at + 1] = id;
    this.orders[at + 2] = placedUs;
    this.lastOrder[customer] = at;
  }

  /** Change `seq` says that it was placed at another time than before; the last one that does is right. */
  moveOrder(id: number, seq: number, placedUs: number): void {
    const known = this.movedOrders.get(id);
    if (!known || seq > known.seq) this.movedOrders.set(id, { seq, placedUs });
  }

  /** For good, whatever is added before or after. */
  deleteOrder(id: number): void {
    this.deletedOrders.add(id);
  }

  seeDevice(customer: number, seenUs: number, id: number, risk: number): void {
    if ((this.deviceRisk[customer] as number) >= 0) {
      const knownUs = this.deviceSeenUs[customer] as number;
      if (seenUs < knownUs || (seenUs === knownUs && id > (this.deviceId[customer] as number))) return;
    }
    this.deviceSeenUs[customer] = seenUs;
    this.deviceId[customer] = id;
    this.deviceRisk[customer] = risk;
  }

  /** Keeps a change that has come before the ones it follows. */
  hold(customer: number, change: Change): void {
    const held = this.held.get(customer) ?? new Map<number, Change>();
    this.held.set(customer, held.set(change.seq, change));
  }

  has(customer: number): boolean {
    return (
      this.lastEvent[customer] !== 0 ||
      this.lastOrder[customer] !== 0 ||
      this.deviceRisk[customer] !== -1 ||
      this.held.has(customer)
    );
  }

  /** One function for all rows. */
  private readonly isLive = (id: number, placedUs: number): boolean =>
    !this.deletedOrders.has(id) && (this.movedOrders.get(id)?.placedUs ?? placedUs) === placedUs;

  /** The batch row of a customer. */
  write(customer: number, writer: RowWriter): Uint8Array {
    const { cells, latest } = this;
    const held = this.held.get(customer);
    cells.sum(this.events, this.lastEvent[customer] as number);
    latest.list(this.orders, this.lastOrder[customer] as number, this.isLive);
    writer.begin({ orders: latest.count, deleted: 0, cells: cells.count, held: held?.size ?? 0 });
    if (this.deviceRisk[customer] !== -1)
      writer.device(
        this.deviceSeenUs[customer] as number,
        this.deviceId[customer] as number,
        this.deviceRisk[customer] as number,
      );
    for (let i = 0; i < latest.count; i++) writer.order(latest.id[i] as number, latest.placedUs[i] as number);
    for (let cell = 0; cell < cells.count; cell++)
      writer.cell(
        cells.words[3 * cell] as number,
        cells.words[3 * cell + 1] as number,
        cells.words[3 * cell + 2] as number,
        cells.amounts[cell] as number,
      );
    if (held) for (const change of held.values()) writer.held(change);
    return writer.end();
  }
}

/** The cells of one customer at a time, in memory that the next one uses again. */
class CellSums {
  count = 0;
  /** Of each cell: tile * 4 + level, kind, count. */
  words = new Int32Array(768);
  amounts = new Float64Array(256);
  /** The cell of a hash, + 1; 0: none. */
  private slots = new Int32Array(512);

  /** Sums the list of events that ends at place `last`, and leaves out the cells that have cancelled out. */
  sum(events: Int32Array, last: number): void {
    let length = 0;
    for (let at = last; at !== 0; at = events[at] as number) length++;
    const mask = this.clear(length);
    const { words, amounts, slots } = this;
    let cells = 0;
    for (let at = last; at !== 0; at = events[at] as number) {
      const tile = events[at + 1] as number;
      const kind = (events[at + 2] as number) >> 1;
      let slot = (Math.imul(tile * 64 + kind, 0x9e3779b1) >>> 15) & mask;
      let cell = (slots[slot] as number) - 1;
      while (cell >= 0 && (words[3 * cell] !== tile || words[3 * cell + 1] !== kind)) {
        slot = (slot + 1) & mask;
        cell = (slots[slot] as number) - 1;
      }
      if (cell < 0) {
        cell = cells++;
        slots[slot] = cell + 1;
        words[3 * cell] = tile;
        words[3 * cell + 1] = kind;
        words[3 * cell + 2] = 0;
        amounts[cell] = 0;
      }
      words[3 * cell + 2] = (words[3 * cell + 2] as number) + 1 - 2 * ((events[at + 2] as number) & 1);
      amounts[cell] = (amounts[cell] as number) + (events[at + 3] as number);
    }
    this.count = this.keep(cells);
  }

  /** Room for `length` events; returns the mask of a hash table that is at most half full. */
  private clear(length: number): number {
    const size = 2 << (32 - Math.clz32(length));
    if (this.amounts.length < length) {
      this.words = new Int32Array(length * 6);
      this.amounts = new Float64Array(length * 2);
    }
    if (this.slots.length < size) this.slots = new Int32Array(size);
    else this.slots.fill(0, 0, size);
    return size - 1;
  }

  /** Moves the cells that hold something to the front; returns how many there are. */
  private keep(cells: number): number {
    const { words, amounts } = this;
    let kept = 0;
    for (let cell = 0; cell < cells; cell++) {
      if (words[3 * cell + 2] === 0 && amounts[cell] === 0) continue;
      if (kept !== cell) {
        words.copyWithin(3 * kept, 3 * cell, 3 * cell + 3);
        amounts[kept] = amounts[cell] as number;
      }
      kept++;
    }
    return kept;
  }
}

/** The latest live orders of one customer at a time, latest first. */
class LatestOrders {
  count = 0;
  readonly id = new Float64Array(listedOrders);
  readonly placedUs = new Float64Array(listedOrders);

  /** Of the list that ends at place `last`. */
  list(orders: Float64Array, last: number, isLive: (id: number, placedUs: number) => boolean): void {
    this.count = 0;
    for (let at = last; at !== 0; at = orders[at] as number) {
      const id = orders[at + 1] as number;
      const placedUs = orders[at + 2] as number;
      if (this.count === listedOrders && placedUs <= (this.placedUs[listedOrders - 1] as number)) continue;
      if (isLive(id, placedUs)) this.insert(id, placedUs);
    }
  }

  private insert(id: number, placedUs: number): void {
    const { id: ids, placedUs: times } = this;
    let place = this.count;
    while (place > 0 && (times[place - 1] as number) < placedUs) place--;
    // An order that was changed is in the list more than once.
    for (let same = place - 1; same >= 0 && times[same] === placedUs; same--) if (ids[same] === id) return;
    if (this.count < listedOrders) this.count++;
    for (let to = this.count - 1; to > place; to--) {
      ids[to] = ids[to - 1] as number;
      times[to] = times[to - 1] as number;
    }
    ids[place] = id;
    times[place] = placedUs;
  }
}
