/**
 * The latest few entities of a customer, with exact knowledge of the latest one: of orders, whose times give
 * `last_order_age`, and of devices, of which the latest gives `device_risk_latest`.
 *
 * Entities are ranked by time, and of one time the lower id is the later. When the list is full the lowest ranked one
 * leaves it, and its rank becomes the *floor*: whatever is not listed ranks at the floor or below. So while anything is
 * listed, the first of the list is the latest of all; when deletions have emptied the list and there is a floor, the
 * list is `exhausted` and only the tables know the latest.
 */

import { noneUnread, type Unread } from './unread.js';

/** Deletions of the latest orders in a row, without a new one, that a row survives before the tables are asked. */
export const listed = 16;

export interface RecentList {
  count: number;
  readonly id: Float64Array;
  readonly timeUs: Float64Array;
  readonly value: Int32Array;
  /** Rank of the highest entity that is not listed; time -1: all are listed. */
  floorUs: number;
  floorId: number;
  /** All of them or none. */
  readonly unread: Unread;
}

export function createRecentList(): RecentList {
  return {
    count: 0,
    id: new Float64Array(listed + 1),
    timeUs: new Float64Array(listed + 1),
    value: new Int32Array(listed + 1),
    floorUs: -1,
    floorId: 0,
    unread: noneUnread(),
  };
}

export function clearList(list: RecentList): void {
  list.count = 0;
  list.floorUs = -1;
  list.floorId = 0;
  list.unread.count = 0;
}

/** Puts an entity in, in the place of its former self. */
export function upsert(list: RecentList, id: number, timeUs: number, value: number): void {
  remove(list, id);
  if (list.floorUs >= 0 && !isLater(timeUs, id, list.floorUs, list.floorId)) return;
  const at = list.count++;
  list.id[at] = id;
  list.timeUs[at] = timeUs;
  list.value[at] = value;
  if (list.count > listed) dropLowest(list);
}

export function remove(list: RecentList, id: number): void {
  for (let i = 0; i < list.count; i++) if (list.id[i] === id) removeAt(list, i);
}

/** Position of the latest entity; -1 if the list is empty. */
export function latest(list: RecentList): number {
  let best = list.count - 1;
  for (let i = best - 1; i >= 0; i--) if (isLaterAt(list, i, best)) best = i;
  return best;
}

/** True if an entity later than `sinceUs` may exist and none is listed. */
export function exhausted(list: RecentList, sinceUs: number): boolean {
  return list.count === 0 && list.floorUs > sinceUs;
}

function dropLowest(list: RecentList): void {
  let lowest = 0;
  for (let i = 1; i < list.count; i++) if (isLaterAt(list, lowest, i)) lowest = i;
  list.floorUs = list.timeUs[lowest] as number;
  list.floorId = list.id[lowest] as number;
  removeAt(list, lowest);
}

function removeAt(list: RecentList, at: number): void {
  const last = --list.count;
  list.id[at] = list.id[last] as number;
  list.timeUs[at] = list.timeUs[last] as number;
  list.value[at] = list.value[last] as number;
}

function isLaterAt(list: RecentList, a: number, b: number): boolean {
  return isLater(list.timeUs[a] as number, list.id[a] as number, list.timeUs[b] as number, list.id[b] as number);
}

function isLater(timeUs: number, id: number, otherUs: number, otherId: number): boolean {
  return timeUs > otherUs || (timeUs === otherUs && id < otherId);
}
