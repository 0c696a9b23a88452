/** What a view knows of an entity: sums of its windows as of the view's time, and what no sum can tell. */
import { type FeatureView, isAdditive, type Window } from '../../../../workloads/feature-view.js';
import {
  type LatestFeature,
  latestFeatures,
  type WindowedSource,
  windowedSources,
  windowIndex,
  windowStartUs,
} from '../feature-sources.js';
import type { ViewRows } from '../port.js';
import { createImages, type Images } from './images.js';
import { addToTimeline, createTimeline, latestLiveUs, type Timeline } from './timeline.js';

export interface Entity {
  readonly customer: number;
  lastSeq: number;
  /** Per source with windows. */
  readonly events: readonly EntityEvents[];
  /** Per latest feature, the entity's devices; NaN is null. */
  readonly devices: readonly { readonly id: number; readonly eventUs: number; readonly value: number }[][];
  /** Its row as of the refresh of that number. */
  row: ViewRow | null;
  rowOfRefresh: number;
}

type ViewRow = NonNullable<ViewRows['rows'][number]>;

interface EntityEvents {
  /** Per window, how many images are in it, then the sum of each value. */
  readonly sums: number[];
  /** For the sums of values that are ranked, how often each value occurs. */
  readonly ranked: readonly Map<number, number>[];
  /** Null where no feature is an age. */
  readonly timeline: Timeline | null;
}

export interface EntityLayout {
  readonly windowed: readonly EventsLayout[];
  readonly latest: readonly LatestFeature[];
  /** Per feature of the view. */
  readonly read: readonly ((entity: Entity, asOfUs: number) => number | null)[];
}

interface EventsLayout extends WindowedSource {
  /** The places, among the sums, of those whose values are ranked. */
  readonly rankedSums: readonly number[];
}

export function layOut({ features }: FeatureView): EntityLayout {
  const windowed = windowedSources(features).map((source): EventsLayout => {
    const tops = source.features.filter(({ kind }) => kind === 'top' || kind === 'top_share');
    const sums = tops.map((feature) => sumOf(source, feature.window, 'column' in feature ? feature.column : null));
    return { ...source, rankedSums: [...new Set(sums)] };
  });
  const latest = latestFeatures(features);
  const read = features.map((feature): EntityLayout['read'][number] => {
    if (feature.kind === 'latest') {
      const index = latest.indexOf(feature);
      return ({ devices }) => latestValue(devices[index]!);
    }
    const index = windowed.findIndex(({ source }) => source === feature.source);
    if (feature.kind === 'age')
      return ({ events }, asOfUs) => {
        const latestUs = latestLiveUs(events[index]!.timeline!, windowStartUs(asOfUs, feature.window), asOfUs);
        return latestUs === null ? null : asOfUs - latestUs;
      };
    const source = windowed[index]!;
    const sum = sumOf(source, feature.window, 'column' in feature ? feature.column : null);
    if (isAdditive(feature)) return ({ events }) => events[index]!.sums[sum]!;
    const ranked = source.rankedSums.indexOf(sum);
    return feature.kind === 'top'
      ? ({ events }) => rank(events[index]!.ranked[ranked]!)?.value ?? null
      : ({ events }) => rank(events[index]!.ranked[ranked]!)?.shareBp ?? null;
  });
  return { windowed, latest, read };
}

const widthOf = ({ values }: WindowedSource) => 1 + values.length;

/** Where the count of a window is among the sums, or the sum of a column in it. */
function sumOf(source: WindowedSource, window: Window, column: string | null): number {
  return windowIndex(source, window) * widthOf(source) + (column === null ? 0 : 1 + source.values.indexOf(column));
}

export function createEntity({ windowed, latest }: EntityLayout, customer: number): Entity {
  return {
    customer,
    lastSeq: 0,
    events: windowed.map((source) => ({
      sums: new Array<number>(source.windows.length * widthOf(source)).fill(0),
      ranked: source.rankedSums.map(() => new Map()),
      timeline: source.features.some(({ kind }) => kind === 'age') ? createTimeline() : null,
    })),
    devices: latest.map(() => []),
    row: null,
    rowOfRefresh: 0,
  };
}

export const createImagesOf = ({ windowed }: EntityLayout): Images[] =>
  windowed.map(({ values }) => createImages(values.length));

/** An image enters its entity's window (n: 1) or leaves it (-1). */
export function moveImage(
  { values, rankedSums }: EventsLayout,
  events: EntityEvents,
  images: Images,
  image: number,
  window: number,
  n: 1 | -1,
): void {
  const signed = n * images.sign[image]!;
  const base = window * (1 + values.length);
  const { sums, ranked } = events;
  sums[base]! += signed;
  for (let v = 0; v < values.length; v++) sums[base + 1 + v]! += signed * images.values[v]![image]!;
  for (let r = 0; r < rankedSums.length; r++) {
    const v = rankedSums[r]! - base - 1;
    if (v < 0 || v >= values.length) continue;
    const value = images.values[v]![image]!;
    const counts = ranked[r]!;
    counts.set(value, (counts.get(value) ?? 0) + signed);
  }
}

/** A new image is there from now on, in whatever window. */
export function recordImage({ timeline }: EntityEvents, eventUs: number, sign: 1 | -1): void {
  if (timeline) addToTimeline(timeline, eventUs, sign);
}

/** Replaces what is known of a device of a latest feature. */
export function setDevice(devices: Entity['devices'][number], id: number, eventUs: number, value: number): void {
  const at = devices.findIndex((device) => device.id === id);
  devices[at < 0 ? devices.length : at] = { id, eventUs, value };
}

/** The most frequent value, the lowest of equals, and its share in basis points; null if nothing is counted. */
function rank(counts: ReadonlyMap<number, number>): { value: number; shareBp: number } | null {
  let [top, most, total] = [0, 0, 0];
  for (const [value, n] of counts) {
    if (n <= 0) continue;
    total += n;
    if (n > most || (n === most && value < top)) {
      top = value;
      most = n;
    }
  }
  return most === 0 ? null : { value: top, shareBp: Math.floor((most * 10_000) / total) };
}

/** Of the device with the latest event time, the lowest id of equals. A deleted one has no event time. */
function latestValue(devices: Entity['devices'][number]): number | null {
  let latest: Entity['devices'][number][number] | null = null;
  for (const device of devices) {
    const { id, eventUs } = device;
    if (Number.isNaN(eventUs)) continue;
    if (latest === null || eventUs > latest.eventUs || (eventUs === latest.eventUs && id < latest.id)) latest = device;
  }
  return latest === null || Number.isNaN(latest.value) ? null : latest.value;
}
