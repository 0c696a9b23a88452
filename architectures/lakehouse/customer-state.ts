/**
 * What the plane knows of one customer: a fold of its history and of its changes 1 to `lastSeq`, nothing else. There is
 * one such structure in use at a time; between uses a customer is the bytes of its row (see row-codec.ts).
 *
 * Tile k of length L holds the events of ((k - 1) L, k L], because a window at t is (floor(t, L) - W, t]: an event on the
 * boundary itself belongs to the tile before it. The window is then the tiles with k > floor(t / L) - W / L.
 */
import { tableNames } from '../../workloads/change-batch.js';
import { hourUs } from '../../workloads/durations.js';
import { windows } from '../../workloads/feature-view.js';
import type { ChangeRows } from './change-rows.js';
import { clearList, createRecentList, exhausted, type RecentList, remove, upsert } from './recent-list.js';
import { noneUnread, type UnreadTiles } from './unread.js';

export interface CustomerState {
  /** Every change up to here is applied or refused. */
  lastSeq: number;
  /**
   * Latest commit time of those changes, and latest event of the history. The row is not evaluated before it, so what no
   * window asks for at this time may go: event time decides, never a clock, which may be wrong.
   */
  latestUs: number;
  /** True once the history of the customer, as far as there is any, is folded in. */
  history: boolean;
  /** By window, in the order of `windows`. */
  readonly tiles: readonly Tiles[];
  /** Orders by tile of the longest window and category. */
  readonly categories: CategoryCounts;
  readonly orders: RecentList;
  readonly devices: RecentList;
  /** What it was opened from, with what is unread of it, and its `latestUs`. */
  row: Uint8Array;
  rowLatestUs: number;
}

/** Sums by tile, sorted by tile; only tiles in which something happened. */
export interface Tiles {
  count: number;
  /** The first of them. */
  readonly unread: UnreadTiles;
  tile: Int32Array;
  orders: Int32Array;
  cents: Float64Array;
  clicks: Int32Array;
}

/** Counts sorted by tile, then category. */
export interface CategoryCounts {
  count: number;
  /** All of them or none. */
  readonly unread: UnreadTiles;
  tile: Int32Array;
  category: Int32Array;
  orders: Int32Array;
}

const tileLengths = windows.map(({ tileUs }) => tileUs);
const tilesInWindow = windows.map(({ windowUs, tileUs }) => windowUs / tileUs);
/** The window of orders that are listed, categories and `last_order_age`: the longest, whose tiles are hours. */
export const longest = windows.length - 1;
const longestUs = windows[longest]?.windowUs ?? 0;

/** Codes of tables, as changes have them. */
export const [orders, clicks, devices] = tableNames.map((_, code) => code) as [number, number, number, number];

export function createState(): CustomerState {
  return {
    lastSeq: 0,
    latestUs: 0,
    history: false,
    tiles: windows.map(() => createTiles(64)),
    categories: createCategoryCounts(64),
    orders: createRecentList(),
    devices: createRecentList(),
    row: new Uint8Array(0),
    rowLatestUs: 0,
  };
}

export function clearState(state: CustomerState): void {
  state.lastSeq = 0;
  state.latestUs = 0;
  state.history = false;
  for (const tiles of state.tiles) {
    tiles.count = 0;
    tiles.unread.count = 0;
  }
  state.categories.count = 0;
  state.categories.unread.count = 0;
  clearList(state.orders);
  clearList(state.devices);
}

/** Applies change i of `rows`, whose seq is the next one; a refused one leaves nothing but its seq. */
export function applyChange(state: CustomerState, rows: ChangeRows, i: number): void {
  state.lastSeq = rows.seq[i] as number;
  const commitUs = rows.commitUs[i] as number;
  if (commitUs > state.latestUs) state.latestUs = commitUs;
  if (rows.refusal[i] !== 0) return;
  const entity = rows.entity[i] as number;
  const eventUs = rows.eventUs[i] as number;
  switch (rows.table[i]) {
    case orders: {
      const beforeUs = rows.beforeEventUs[i] as number;
      if (beforeUs >= 0) {
        addOrders(state, beforeUs, -1, -(rows.beforeAmountCents[i] as number), rows.beforeCategory[i] as number);
        if (eventUs < 0) remove(state.orders, entity);
      }
      if (eventUs >= 0) addOrder(state, entity, eventUs, rows.amountCents[i] as number, rows.category[i] as number);
      return;
    }
    case clicks:
      addClick(state, eventUs);
      return;
    case devices:
      seeDevice(state, entity, eventUs, rows.risk[i] as number);
  }
}

export function addOrder(state: CustomerState, id: number, placedUs: number, cents: number, category: number): void {
  addOrders(state, placedUs, 1, cents, category);
  upsert(state.orders, id, placedUs, 0);
}

export function addClick(state: CustomerState, clickedUs: number): void {
  for (let level = 0; level < tileLengths.length; level++) {
    const tiles = state.tiles[level] as Tiles;
    const at = findTile(tiles, tileOf(clickedUs, level));
    tiles.clicks[at] = (tiles.clicks[at] as number) + 1;
  }
}

export function seeDevice(state: CustomerState, id: number, seenUs: number, risk: number): void {
  upsert(state.devices, id, seenUs, risk);
}

/** True if the row cannot answer for its latest order or device: deletions emptied a list that was cut short. */
export function needsTables(state: CustomerState): boolean {
  return exhausted(state.orders, windowStartUs(state.latestUs)) || exhausted(state.devices, -1);
}

/** Orders placed at or before this are in no window at `asOfUs`. */
export function windowStartUs(asOfUs: number): number {
  return Math.floor(asOfUs / hourUs) * hourUs - longestUs;
}

/** The highest tile of a level that is in no window at `asOfUs` nor later. */
export function expiredTile(asOfUs: number, level: number): number {
  return Math.floor(asOfUs / (tileLengths[level] as number)) - (tilesInWindow[level] as number);
}

export function tileOf(eventUs: number, level: number): number {
  return Math.ceil(eventUs / (tileLengths[level] as number));
}

function addOrders(state: CustomerState, placedUs: number, count: number, cents: number, category: number): void {
  for (let level = 0; level < tileLengths.length; level++) {
    const tiles = state.tiles[level] as Tiles;
    const at = findTile(tiles, tileOf(placedUs, level));
    tiles.orders[at] = (tiles.orders[at] as number) + count;
    tiles.cents[at] = (tiles.cents[at] as number) + cents;
  }
  const { categories } = state;
  const at = findCategory(categories, tileOf(placedUs, longest), category);
  categories.orders[at] = (categories.orders[at] as number) + count;
}

/** Position of a tile, inserted with zeros if it was not there. Most events fall into the last one. */
function findTile(tiles: Tiles, tile: number): number {
  let at = tiles.count;
  while (at > 0 && (tiles.tile[at - 1] as number) >= tile) {
    at--;
    if (tiles.tile[at] === tile) return at;
  }
  reserveTiles(tiles, tiles.count + 1);
  for (const column of [tiles.tile, tiles.orders, tiles.cents, tiles.clicks]) {
    if (at < tiles.count) column.copyWithin(at + 1, at, tiles.count);
    column[at] = 0;
  }
  tiles.tile[at] = tile;
  tiles.count++;
  return at;
}

function findCategory(counts: CategoryCounts, tile: number, category: number): number {
  let at = counts.count;
  while (at > 0 && isNotBefore(counts, at - 1, tile, category)) {
    at--;
    if (counts.tile[at] === tile && counts.category[at] === category) return at;
  }
  reserveCategories(counts, counts.count + 1);
  for (const column of [counts.tile, counts.category, counts.orders]) {
    if (at < counts.count) column.copyWithin(at + 1, at, counts.count);
    column[at] = 0;
  }
  counts.tile[at] = tile;
  counts.category[at] = category;
  counts.count++;
  return at;
}

function isNotBefore(counts: CategoryCounts, at: number, tile: number, category: number): boolean {
  const there = counts.tile[at] as number;
  return there > tile || (there === tile && (counts.category[at] as number) >= category);
}

function createTiles(capacity: number): Tiles {
  return {
    count: 0,
    unread: noneUnread(),
    tile: new Int32Array(capacity),
    orders: new Int32Array(capacity),
    cents: new Float64Array(capacity),
    clicks: new Int32Array(capacity),
  };
}

function createCategoryCounts(capacity: number): CategoryCounts {
  return {
    count: 0,
    unread: noneUnread(),
    tile: new Int32Array(capacity),
    category: new Int32Array(capacity),
    orders: new Int32Array(capacity),
  };
}

export function reserveTiles(tiles: Tiles, count: number): void {
  if (count <= tiles.tile.length) return;
  const larger = createTiles(Math.max(count, 2 * tiles.tile.length));
  larger.tile.set(tiles.tile);
  larger.orders.set(tiles.orders);
  larger.cents.set(tiles.cents);
  larger.clicks.set(tiles.clicks);
  Object.assign(tiles, larger, { count: tiles.count, unread: tiles.unread });
}

export function reserveCategories(counts: CategoryCounts, count: number): void {
  if (count <= counts.tile.length) return;
  const larger = createCategoryCounts(Math.max(count, 2 * counts.tile.length));
  larger.tile.set(counts.tile);
  larger.category.set(counts.category);
  larger.orders.set(counts.orders);
  Object.assign(counts, larger, { count: counts.count, unread: counts.unread });
}
