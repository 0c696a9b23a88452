/**
 * A customer's row in the online store: its state as bytes, without what no window will ask for again.
 *
 *     version u8 | flags u8 (1: history) | lastSeq | latestUs | orders list | devices list
 *     per window: n, n x (tile, orders, cents, clicks) | n, n x (tile, category, orders)
 *     list: n | floorUs + 1 | floorId if there is a floor | n x (id, timeUs - first timeUs, value)
 *
 * Numbers are LEB128 varints, those that may be negative zigzag-coded; tiles are differences to the tile before.
 */
import {
  type CategoryCounts,
  type CustomerState,
  clearState,
  expiredTile,
  longest,
  reserveCategories,
  reserveTiles,
  type Tiles,
  windowStartUs,
} from './customer-state.js';
import type { RecentList } from './recent-list.js';

const version = 1;
const historyFlag = 1;
/** The longest varint of an integer below 2^53. */
const varintBytes = 8;

/** Rows that are written one after the other share it: memory for each of its own costs a third of writing it. */
const blockBytes = 1 << 16;
let buffer = new Uint8Array(blockBytes);
let at = 0;

/** A view of memory that it shares with the rows written before and after it: whoever keeps it for long keeps a copy. */
export function encodeState(state: CustomerState): Uint8Array {
  const { latestUs } = state;
  reserveBuffer(state);
  const start = at;
  buffer[at++] = version;
  buffer[at++] = state.history ? historyFlag : 0;
  write(state.lastSeq);
  write(latestUs);
  writeList(state.orders, windowStartUs(latestUs));
  writeList(state.devices, -1);
  for (let level = 0; level <= longest; level++) writeTiles(state.tiles[level] as Tiles, expiredTile(latestUs, level));
  writeCategories(state.categories, expiredTile(latestUs, longest));
  return buffer.subarray(start, at);
}

function writeList(list: RecentList, expiredUs: number): void {
  let live = 0;
  for (let i = 0; i < list.count; i++) if ((list.timeUs[i] as number) > expiredUs) live++;
  const floored = list.floorUs >= 0 && list.floorUs > expiredUs;
  write(live);
  write(floored ? list.floorUs + 1 : 0);
  if (floored) write(list.floorId);
  let baseUs = 0;
  for (let i = 0; i < list.count; i++) {
    const timeUs = list.timeUs[i] as number;
    if (timeUs <= expiredUs) continue;
    write(list.id[i] as number);
    writeSigned(timeUs - baseUs);
    writeSigned(list.value[i] as number);
    if (baseUs === 0) baseUs = timeUs;
  }
}

function writeTiles(tiles: Tiles, expired: number): void {
  let live = 0;
  for (let i = 0; i < tiles.count; i++) if (isLiveTile(tiles, i, expired)) live++;
  write(live);
  let before = 0;
  let to = at;
  for (let i = 0; i < tiles.count; i++) {
    if (!isLiveTile(tiles, i, expired)) continue;
    const tile = tiles.tile[i] as number;
    to = put(tile - before, to);
    to = put(zigzag(tiles.orders[i] as number), to);
    to = put(zigzag(tiles.cents[i] as number), to);
    to = put(zigzag(tiles.clicks[i] as number), to);
    before = tile;
  }
  at = to;
}

function isLiveTile(tiles: Tiles, i: number, expired: number): boolean {
  return (
    (tiles.tile[i] as number) > expired && (tiles.orders[i] !== 0 || tiles.cents[i] !== 0 || tiles.clicks[i] !== 0)
  );
}

function writeCategories(counts: CategoryCounts, expired: number): void {
  let live = 0;
  for (let i = 0; i < counts.count; i++) if ((counts.tile[i] as number) > expired && counts.orders[i] !== 0) live++;
  write(live);
  let before = 0;
  for (let i = 0; i < counts.count; i++) {
    const tile = counts.tile[i] as number;
    if (tile <= expired || counts.orders[i] === 0) continue;
    write(tile - before);
    write(counts.category[i] as number);
    writeSigned(counts.orders[i] as number);
    before = tile;
  }
}

function reserveBuffer({ tiles, categories, orders, devices }: CustomerState): void {
  let numbers = 16 + 3 * (categories.count + orders.count + devices.count);
  for (const { count } of tiles) numbers += 1 + 4 * count;
  const most = numbers * varintBytes;
  if (at + most <= buffer.length) return;
  buffer = new Uint8Array(Math.max(blockBytes, most));
  at = 0;
}

function write(value: number): void {
  at = put(value, at);
}

/** Written at `to`; answers where it ends, so that a loop keeps its place in a register. */
function put(value: number, to: number): number {
  if (value > 127) return writeLong(value, to);
  buffer[to] = value;
  return to + 1;
}

/** Written from `to` on; answers where it ends. */
function writeLong(value: number, to: number): number {
  const bytes = buffer;
  let end = to;
  let rest = value;
  while (rest > 0x7fffffff) {
    bytes[end++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  while (rest > 127) {
    bytes[end++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  bytes[end++] = rest;
  return end;
}

function writeSigned(value: number): void {
  write(zigzag(value));
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

let source: Uint8Array = buffer;
let from = 0;

/** Reads a row into `state`, in the place of what was there. */
export function decodeState(row: Uint8Array, state: CustomerState): void {
  if (row[0] !== version)
    throw new Error(
      `customer row of ${row.length} bytes: expected version ${version}, found ${row[0]}; another program wrote to this table of the online store`,
    );
  clearState(state);
  source = row;
  from = 2;
  state.history = ((row[1] as number) & historyFlag) !== 0;
  state.lastSeq = read();
  state.latestUs = read();
  readList(state.orders);
  readList(state.devices);
  for (const tiles of state.tiles) readTiles(tiles);
  readCategories(state.categories);
  if (from !== row.length) throw new Error(`customer row: ${row.length} bytes, of which ${from} were understood`);
}

function readList(list: RecentList): void {
  const count = read();
  list.floorUs = read() - 1;
  if (list.floorUs >= 0) list.floorId = read();
  let baseUs = 0;
  for (let i = 0; i < count; i++) {
    list.id[i] = read();
    const timeUs = baseUs + readSigned();
    list.timeUs[i] = timeUs;
    list.value[i] = readSigned();
    if (baseUs === 0) baseUs = timeUs;
  }
  list.count = count;
}

function readTiles(tiles: Tiles): void {
  const count = read();
  reserveTiles(tiles, count);
  let tile = 0;
  for (let i = 0; i < count; i++) {
    tile += read();
    tiles.tile[i] = tile;
    tiles.orders[i] = readSigned();
    tiles.cents[i] = readSigned();
    tiles.clicks[i] = readSigned();
  }
  tiles.count = count;
}

function readCategories(counts: CategoryCounts): void {
  const count = read();
  reserveCategories(counts, count);
  let tile = 0;
  for (let i = 0; i < count; i++) {
    tile += read();
    counts.tile[i] = tile;
    counts.category[i] = read();
    counts.orders[i] = readSigned();
  }
  counts.count = count;
}

function read(): number {
  const byte = source[from++] as number;
  return byte < 128 ? byte : readLong(byte & 127);
}

function readLong(lowest: number): number {
  const bytes = source;
  let value = lowest;
  // As small integers as far as they reach: most numbers end here.
  for (let shift = 7; shift < 28; shift += 7) {
    const byte = bytes[from++] as number;
    value |= (byte & 127) << shift;
    if (byte < 128) return value;
  }
  let factor = 2 ** 28;
  for (;;) {
    const byte = bytes[from++] as number;
    value += (byte & 127) * factor;
    if (byte < 128) return value;
    factor *= 128;
  }
}

function readSigned(): number {
  const value = read();
  if (value <= 0x7fffffff) return (value >>> 1) ^ -(value & 1);
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
