/**
 * A customer's row in the online store: its state as bytes, without what no window will ask for again.
 *
 *     version u8 | flags u8 (1: history) | lastSeq | latestUs | orders list | devices list
 *     per window the tiles, newest first: n | tile of latestUs - newest, its sums | newest - the one before it | older
 *     older: section of n - 1 x (tile, sums), sums: orders, cents, clicks
 *     n | section of n x (tile, category, orders)
 *     list: n | floorUs + 1 | floorId if there is a floor | section of n x (id, timeUs - first timeUs, value)
 *     section: its bytes, if it has any entries | entries
 *
 * Numbers are LEB128 varints, those that may be negative zigzag-coded; tiles of a section are differences to the tile before.
 * Most changes alter the newest tiles alone: the sections between them are passed over by their lengths.
 */
import type { ChangeRows } from './change-rows.js';
import {
  type CategoryCounts,
  type CustomerState,
  clearState,
  clicks,
  devices,
  expiredTile,
  longest,
  orders,
  reserveCategories,
  reserveTiles,
  type Tiles,
  tileOf,
  windowStartUs,
} from './customer-state.js';
import type { RecentList } from './recent-list.js';
import type { Unread, UnreadTiles } from './unread.js';

const version = 2;
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
  readExpired(state);
  reserveBuffer(state);
  const start = at;
  buffer[at++] = version;
  buffer[at++] = state.history ? historyFlag : 0;
  write(state.lastSeq);
  write(latestUs);
  writeList(state.orders, windowStartUs(latestUs));
  writeList(state.devices, -1);
  for (let level = 0; level <= longest; level++) writeTiles(state.tiles[level] as Tiles, level, latestUs);
  writeCategories(state.categories, expiredTile(latestUs, longest));
  return buffer.subarray(start, at);
}

/** Reads what is unread where some of it is in no window any more. */
function readExpired(state: CustomerState): void {
  const { latestUs, rowLatestUs, orders, tiles, categories } = state;
  source = state.row;
  if (windowStartUs(latestUs) !== windowStartUs(rowLatestUs)) readRestOfList(orders);
  for (let level = 0; level <= longest; level++) {
    const own = tiles[level] as Tiles;
    const { unread } = own;
    if (unread.count === 0) continue;
    const expired = expiredTile(latestUs, level);
    // Where the newest is gone, one that is unread takes its place.
    if (unread.firstTile <= expired || !isLiveTile(own, own.count - 1, expired)) readRestOfTiles(own);
  }
  if (categories.unread.firstTile <= expiredTile(latestUs, longest)) readRestOfCategories(categories);
}

function writeList(list: RecentList, expiredUs: number): void {
  const { unread } = list;
  let live = unread.count;
  for (let i = live; i < list.count; i++) if ((list.timeUs[i] as number) > expiredUs) live++;
  const floored = list.floorUs >= 0 && list.floorUs > expiredUs;
  write(live);
  write(floored ? list.floorUs + 1 : 0);
  if (floored) write(list.floorId);
  if (live === 0) return;
  const section = beginSection();
  copyUnread(unread);
  let baseUs = 0;
  for (let i = unread.count; i < list.count; i++) {
    const timeUs = list.timeUs[i] as number;
    if (timeUs <= expiredUs) continue;
    write(list.id[i] as number);
    writeSigned(timeUs - baseUs);
    writeSigned(list.value[i] as number);
    if (baseUs === 0) baseUs = timeUs;
  }
  endSection(section);
}

function writeTiles(tiles: Tiles, level: number, latestUs: number): void {
  const { unread } = tiles;
  const expired = expiredTile(latestUs, level);
  let newest = tiles.count - 1;
  while (newest >= unread.count && !isLiveTile(tiles, newest, expired)) newest--;
  if (newest < 0) {
    write(0);
    return;
  }
  let older = unread.count;
  let last = unread.lastTile;
  for (let i = unread.count; i < newest; i++) {
    if (!isLiveTile(tiles, i, expired)) continue;
    older++;
    last = tiles.tile[i] as number;
  }
  const newestTile = tiles.tile[newest] as number;
  write(older + 1);
  writeSigned(tileOf(latestUs, level) - newestTile);
  at = putSums(tiles, newest, at);
  if (older === 0) return;
  write(newestTile - last);
  const section = beginSection();
  copyUnread(unread);
  let before = unread.count > 0 ? unread.lastTile : 0;
  for (let i = unread.count; i < newest; i++) {
    if (!isLiveTile(tiles, i, expired)) continue;
    const tile = tiles.tile[i] as number;
    at = putSums(tiles, i, put(tile - before, at));
    before = tile;
  }
  endSection(section);
}

function putSums(tiles: Tiles, i: number, to: number): number {
  let end = put(zigzag(tiles.orders[i] as number), to);
  end = put(zigzag(tiles.cents[i] as number), end);
  return put(zigzag(tiles.clicks[i] as number), end);
}

function isLiveTile(tiles: Tiles, i: number, expired: number): boolean {
  return (
    (tiles.tile[i] as number) > expired && (tiles.orders[i] !== 0 || tiles.cents[i] !== 0 || tiles.clicks[i] !== 0)
  );
}

function writeCategories(counts: CategoryCounts, expired: number): void {
  const { unread } = counts;
  let live = unread.count;
  for (let i = live; i < counts.count; i++) if ((counts.tile[i] as number) > expired && counts.orders[i] !== 0) live++;
  write(live);
  if (live === 0) return;
  const section = beginSection();
  copyUnread(unread);
  let before = 0;
  for (let i = unread.count; i < counts.count; i++) {
    const tile = counts.tile[i] as number;
    if (tile <= expired || counts.orders[i] === 0) continue;
    write(tile - before);
    write(counts.category[i] as number);
    writeSigned(counts.orders[i] as number);
    before = tile;
  }
  endSection(section);
}

/** Where the length will stand; most have less than 128 bytes. */
function beginSection(): number {
  return at++;
}

function endSection(start: number): void {
  const length = at - start - 1;
  let lengthBytes = 1;
  for (let rest = length; rest > 127; rest >>>= 7) lengthBytes++;
  if (lengthBytes > 1) buffer.copyWithin(start + lengthBytes, start + 1, at);
  at += lengthBytes - 1;
  put(length, start);
}

function copyUnread({ count, from, to }: Unread): void {
  if (count === 0) return;
  const bytes = source;
  const target = buffer;
  let end = at;
  // Too few bytes to be worth the call of a builtin.
  for (let i = from; i < to; i++) target[end++] = bytes[i] as number;
  at = end;
}

function reserveBuffer({ tiles, categories, orders, devices }: CustomerState): void {
  let numbers = 16 + 3 * (categories.count + orders.count + devices.count);
  for (const { count } of tiles) numbers += 4 + 4 * count;
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
  readRow(row, state, false);
}

/**
 * Reads a row but for what most changes leave alone. `readFor` comes before each change, and the row stays as it is until the
 * state is encoded; to be evaluated a state must be decoded.
 */
export function openState(row: Uint8Array, state: CustomerState): void {
  readRow(row, state, true);
}

function readRow(row: Uint8Array, state: CustomerState, lazily: boolean): void {
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
  state.row = row;
  state.rowLatestUs = state.latestUs;
  readList(state.orders, lazily);
  readList(state.devices, lazily);
  for (let level = 0; level <= longest; level++)
    readTiles(state.tiles[level] as Tiles, tileOf(state.latestUs, level), lazily);
  readCategories(state.categories, lazily);
  if (from !== row.length) throw new Error(`customer row: ${row.length} bytes, of which ${from} were understood`);
}

/** Reads what change i of `rows` alters. */
export function readFor(state: CustomerState, rows: ChangeRows, i: number): void {
  source = state.row;
  const table = rows.table[i];
  if (table === devices) readRestOfList(state.devices);
  if (table !== orders && table !== clicks) return;
  readTilesFrom(state, rows.eventUs[i] as number);
  if (table === clicks) return;
  readTilesFrom(state, rows.beforeEventUs[i] as number);
  readRestOfList(state.orders);
  readRestOfCategories(state.categories);
}

/** The tiles from that of an event on; -1: there is no event. */
function readTilesFrom({ tiles }: CustomerState, eventUs: number): void {
  if (eventUs < 0) return;
  for (let level = 0; level <= longest; level++) {
    const { unread, tile } = tiles[level] as Tiles;
    if (unread.count > 0 && tileOf(eventUs, level) < (tile[unread.count] as number))
      readRestOfTiles(tiles[level] as Tiles);
  }
}

function readList(list: RecentList, lazily: boolean): void {
  const { unread } = list;
  const count = read();
  list.floorUs = read() - 1;
  if (list.floorUs >= 0) list.floorId = read();
  list.count = count;
  if (count === 0) return;
  const end = readEnd();
  if (lazily) leaveUnread(unread, count, end);
  else readEntries(list);
}

function readRestOfList(list: RecentList): void {
  if (returnTo(list.unread)) readEntries(list);
}

function readEntries(list: RecentList): void {
  let baseUs = 0;
  for (let i = 0; i < list.count; i++) {
    list.id[i] = read();
    const timeUs = baseUs + readSigned();
    list.timeUs[i] = timeUs;
    list.value[i] = readSigned();
    if (baseUs === 0) baseUs = timeUs;
  }
}

/** Lazily only the newest, in which most events fall. */
function readTiles(tiles: Tiles, latestTile: number, lazily: boolean): void {
  const { unread } = tiles;
  const count = read();
  reserveTiles(tiles, count);
  tiles.count = count;
  if (count === 0) return;
  const newest = count - 1;
  const newestTile = latestTile - readSigned();
  tiles.tile[newest] = newestTile;
  readSums(tiles, newest);
  if (newest === 0) return;
  unread.lastTile = newestTile - read();
  const end = readEnd();
  if (lazily) leaveTilesUnread(unread, newest, end);
  else readOlderTiles(tiles, newest);
}

function readRestOfTiles(tiles: Tiles): void {
  const { count } = tiles.unread;
  if (returnTo(tiles.unread)) readOlderTiles(tiles, count);
}

function readOlderTiles(tiles: Tiles, count: number): void {
  let tile = 0;
  for (let i = 0; i < count; i++) {
    tile += read();
    tiles.tile[i] = tile;
    readSums(tiles, i);
  }
}

function readSums(tiles: Tiles, i: number): void {
  tiles.orders[i] = readSigned();
  tiles.cents[i] = readSigned();
  tiles.clicks[i] = readSigned();
}

function readCategories(counts: CategoryCounts, lazily: boolean): void {
  const count = read();
  reserveCategories(counts, count);
  counts.count = count;
  if (count === 0) return;
  const end = readEnd();
  if (lazily) leaveTilesUnread(counts.unread, count, end);
  else readCounts(counts);
}

function readRestOfCategories(counts: CategoryCounts): void {
  if (returnTo(counts.unread)) readCounts(counts);
}

function readCounts(counts: CategoryCounts): void {
  let tile = 0;
  for (let i = 0; i < counts.count; i++) {
    tile += read();
    counts.tile[i] = tile;
    counts.category[i] = read();
    counts.orders[i] = readSigned();
  }
}

/** To what is unread, which is read now; false if there is none. */
function returnTo(unread: Unread): boolean {
  if (unread.count === 0) return false;
  from = unread.from;
  unread.count = 0;
  return true;
}

/** Of the section that begins here: where it ends. */
function readEnd(): number {
  const length = read();
  return from + length;
}

function leaveUnread(unread: Unread, count: number, end: number): void {
  unread.count = count;
  unread.from = from;
  unread.to = end;
  from = end;
}

function leaveTilesUnread(unread: UnreadTiles, count: number, end: number): void {
  const start = from;
  unread.firstTile = read();
  from = start;
  leaveUnread(unread, count, end);
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
    // Not `byte < 128`: behind the end of a row that was cut off there is no byte, and readRow says so.
    if (!(byte >= 128)) return value;
    factor *= 128;
  }
}

function readSigned(): number {
  const value = read();
  if (value <= 0x7fffffff) return (value >>> 1) ^ -(value & 1);
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
