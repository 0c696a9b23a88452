/**
 * The images of one source that are applied to a view, in columns: +1 for what a change left behind, -1 for what it
 * retracted. Those of an entity form a chain, each with the number of the one before it; so do those of a minute of
 * event time, by which a refresh finds what enters or leaves a window.
 */
import { minuteUs } from '../../../../workloads/durations.js';
import type { StoredColumn } from './stored-columns.js';

/** In (afterUs, upToUs], as windows are. */
export interface TimeRange {
  readonly afterUs: number;
  readonly upToUs: number;
}

export interface Images {
  count: number;
  entity: Float64Array;
  eventUs: Float64Array;
  /** 1 or -1. */
  sign: Int8Array;
  /** The source's values, in their order. */
  readonly values: Float64Array[];
  /** The entity's image that was added before; -1: none. */
  previous: Int32Array;
  /** The same within a minute. */
  previousInMinute: Int32Array;
  readonly lastInMinute: Map<number, number>;
}

/** The end of a chain. */
export const none = -1;

export function createImages(values: number): Images {
  return {
    count: 0,
    entity: new Float64Array(0),
    eventUs: new Float64Array(0),
    sign: new Int8Array(0),
    values: Array.from({ length: values }, () => new Float64Array(0)),
    previous: new Int32Array(0),
    previousInMinute: new Int32Array(0),
    lastInMinute: new Map(),
  };
}

/** Adds an image whose values are in `row` of the columns, behind `previous` of its entity; returns its number. */
export function addImage(
  images: Images,
  entity: number,
  eventUs: number,
  sign: 1 | -1,
  columns: readonly StoredColumn[],
  row: number,
  previous: number,
): number {
  const image = images.count++;
  if (image === images.entity.length) grow(images, Math.max(1024, 2 * image));
  images.entity[image] = entity;
  images.eventUs[image] = eventUs;
  images.sign[image] = sign;
  for (let v = 0; v < columns.length; v++) images.values[v]![image] = columns[v]![row] as number;
  images.previous[image] = previous;
  const minute = Math.floor(eventUs / minuteUs);
  images.previousInMinute[image] = images.lastInMinute.get(minute) ?? none;
  images.lastInMinute.set(minute, image);
  return image;
}

/** Adds to `found` the entities that have an image in the range. */
export function findEntities(images: Images, { afterUs, upToUs }: TimeRange, found: Set<number>): void {
  const { entity, eventUs, previousInMinute, lastInMinute } = images;
  const first = Math.floor((afterUs + 1) / minuteUs);
  const last = Math.floor(upToUs / minuteUs);
  if (last - first >= lastInMinute.size) {
    for (let image = 0; image < images.count; image++) {
      if (eventUs[image]! > afterUs && eventUs[image]! <= upToUs) found.add(entity[image]!);
    }
    return;
  }
  for (let minute = first; minute <= last; minute++) {
    for (let image = lastInMinute.get(minute) ?? none; image !== none; image = previousInMinute[image]!) {
      if (eventUs[image]! > afterUs && eventUs[image]! <= upToUs) found.add(entity[image]!);
    }
  }
}

/** The latest event time in the range whose images do not cancel each other out; null if there is none. */
export function latestLiveUs(images: Images, lastImage: number, { afterUs, upToUs }: TimeRange): number | null {
  const { eventUs, sign, previous } = images;
  for (let boundUs = upToUs; ; ) {
    let latestUs = afterUs;
    let live = 0;
    for (let image = lastImage; image !== none; image = previous[image]!) {
      const timeUs = eventUs[image]!;
      if (timeUs < latestUs || timeUs > boundUs || timeUs === afterUs) continue;
      live = timeUs === latestUs ? live + sign[image]! : sign[image]!;
      latestUs = timeUs;
    }
    if (latestUs === afterUs) return null;
    if (live > 0) return latestUs;
    boundUs = latestUs - 1;
  }
}

function grow(images: Images, capacity: number): void {
  const wider = <T extends Float64Array | Int32Array | Int8Array>(column: T): T => {
    const copy = new (column.constructor as new (length: number) => T)(capacity);
    copy.set(column);
    return copy;
  };
  images.entity = wider(images.entity);
  images.eventUs = wider(images.eventUs);
  images.sign = wider(images.sign);
  images.previous = wider(images.previous);
  images.previousInMinute = wider(images.previousInMinute);
  for (let v = 0; v < images.values.length; v++) images.values[v] = wider(images.values[v]!);
}
