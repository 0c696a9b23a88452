/**
 * The images of one source that are applied to a view, in columns: +1 for what a change left behind, -1 for what it
 * retracted. Those of a minute of event time form a chain, each with the number of the one before it: so a refresh finds
 * what enters or leaves a window.
 */
import { minuteUs } from '../../../../workloads/durations.js';
import type { Entity } from './entity.js';
import type { StoredColumn } from './stored-columns.js';

export interface Images {
  count: number;
  readonly entity: Entity[];
  eventUs: Float64Array;
  /** 1 or -1. */
  sign: Int8Array;
  /** The source's values, in their order. */
  readonly values: Float64Array[];
  /** The image that was added before in the same minute; -1: none. */
  previous: Int32Array;
  readonly lastOfMinute: Map<number, number>;
}

const none = -1;

export function createImages(values: number): Images {
  return {
    count: 0,
    entity: [],
    eventUs: new Float64Array(0),
    sign: new Int8Array(0),
    values: Array.from({ length: values }, () => new Float64Array(0)),
    previous: new Int32Array(0),
    lastOfMinute: new Map(),
  };
}

/** Adds an image whose values are in `row` of the columns; returns its number. */
export function addImage(
  images: Images,
  entity: Entity,
  eventUs: number,
  sign: 1 | -1,
  columns: readonly StoredColumn[],
  row: number,
): number {
  const image = images.count++;
  if (image === images.eventUs.length) grow(images, Math.max(1024, 2 * image));
  images.entity.push(entity);
  images.eventUs[image] = eventUs;
  images.sign[image] = sign;
  for (let v = 0; v < columns.length; v++) images.values[v]![image] = columns[v]![row] as number;
  const minute = Math.floor(eventUs / minuteUs);
  images.previous[image] = images.lastOfMinute.get(minute) ?? none;
  images.lastOfMinute.set(minute, image);
  return image;
}

/** The images with event times in (afterUs, upToUs], as windows are. */
export function imagesBetween(images: Images, afterUs: number, upToUs: number): number[] {
  const { count, eventUs, previous, lastOfMinute } = images;
  const found: number[] = [];
  const first = Math.floor((afterUs + 1) / minuteUs);
  const last = Math.floor(upToUs / minuteUs);
  if (last - first >= lastOfMinute.size) {
    for (let image = 0; image < count; image++) {
      if (eventUs[image]! > afterUs && eventUs[image]! <= upToUs) found.push(image);
    }
    return found;
  }
  for (let minute = first; minute <= last; minute++) {
    for (let image = lastOfMinute.get(minute) ?? none; image !== none; image = previous[image]!) {
      if (eventUs[image]! > afterUs && eventUs[image]! <= upToUs) found.push(image);
    }
  }
  return found;
}

function grow(images: Images, capacity: number): void {
  images.eventUs = copied(images.eventUs, new Float64Array(capacity));
  images.sign = copied(images.sign, new Int8Array(capacity));
  images.previous = copied(images.previous, new Int32Array(capacity));
  for (let v = 0; v < images.values.length; v++) {
    images.values[v] = copied(images.values[v]!, new Float64Array(capacity));
  }
}

function copied<T extends Float64Array | Int32Array | Int8Array>(column: T, into: T): T {
  into.set(column);
  return into;
}
