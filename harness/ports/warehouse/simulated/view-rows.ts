/** One row of a feature view, computed from an entity's images and current facts as of the view's time. */
import type { FeatureView, Window } from '../../../../workloads/feature-view.js';
import {
  type LatestFeature,
  latestFeatures,
  type WindowedSource,
  type WindowFeature,
  windowedSources,
  windowIndex,
  windowStartUs,
} from '../feature-sources.js';
import { createImages, type Images, latestLiveUs, none } from './images.js';

/** What is known of an entity. */
export interface Entity {
  lastSeq: number;
  /** Per source with windows, its last image. */
  readonly lastImage: number[];
  /** Per latest feature, the current state of each of the entity's devices; NaN is null. */
  readonly current: Map<number, { readonly eventUs: number; readonly value: number }>[];
}

export interface ViewLayout {
  readonly features: FeatureView['features'];
  readonly windowed: readonly WindowedSource[];
  readonly latest: readonly LatestFeature[];
}

export function layOut({ features }: FeatureView): ViewLayout {
  return { features, windowed: windowedSources(features), latest: latestFeatures(features) };
}

export const createEntity = ({ windowed, latest }: ViewLayout): Entity => ({
  lastSeq: 0,
  lastImage: windowed.map(() => none),
  current: latest.map(() => new Map()),
});

export const createImagesOf = ({ windowed }: ViewLayout): Images[] =>
  windowed.map(({ values }) => createImages(values.length));

/** Computes an entity's features, in the order of the view's. */
export type Evaluation = (entity: Entity) => (number | null)[];

/** An evaluation as of one moment; it keeps what is the same for all entities. */
export function evaluateAt(layout: ViewLayout, images: readonly Images[], asOfUs: number): Evaluation {
  const place = new Map(layout.features.map((feature, i) => [feature.name, i]));
  const windowed = layout.windowed.map((source, i) => evaluateWindows(source, images[i]!, asOfUs, place));
  return (entity) => {
    const row = new Array<number | null>(layout.features.length).fill(null);
    for (let i = 0; i < windowed.length; i++) windowed[i]!(entity.lastImage[i]!, row);
    for (let i = 0; i < layout.latest.length; i++) {
      row[place.get(layout.latest[i]!.name)!] = latestValue(entity.current[i]!);
    }
    return row;
  };
}

function evaluateWindows(
  source: WindowedSource,
  images: Images,
  asOfUs: number,
  place: ReadonlyMap<string, number>,
): (lastImage: number, row: (number | null)[]) => void {
  const { windows, features, values } = source;
  const width = 1 + values.length;
  const startsUs = windows.map((window) => windowStartUs(asOfUs, window));
  /** Per window, how many images are in it, then the sum of each value. */
  const sums = new Float64Array(windows.length * width);
  /** Per window and value, how often each value occurs, where a feature ranks them. */
  const counted = new Map<number, Map<number, number>>();
  const sumAt = (window: Window, column: string | null) =>
    windowIndex(source, window) * width + (column === null ? 0 : 1 + values.indexOf(column));
  for (const feature of features) {
    if (feature.kind === 'top' || feature.kind === 'top_share')
      counted.set(sumAt(feature.window, feature.column), new Map());
  }

  const add = (lastImage: number) => {
    const { eventUs, sign, previous } = images;
    for (let image = lastImage; image !== none; image = previous[image]!) {
      const timeUs = eventUs[image]!;
      if (timeUs > asOfUs) continue;
      const n = sign[image]!;
      for (let w = 0; w < startsUs.length; w++) {
        if (timeUs <= startsUs[w]!) continue;
        sums[w * width]! += n;
        for (let v = 0; v < values.length; v++) {
          const value = images.values[v]![image]!;
          sums[w * width + 1 + v]! += n * value;
          const counts = counted.get(w * width + 1 + v);
          counts?.set(value, (counts.get(value) ?? 0) + n);
        }
      }
    }
  };

  const readerOf = (feature: WindowFeature): ((lastImage: number) => number | null) => {
    const sum = sumAt(feature.window, 'column' in feature ? feature.column : null);
    const counts = counted.get(sum)!;
    if (feature.kind === 'top') return () => rank(counts)?.value ?? null;
    if (feature.kind === 'top_share') return () => rank(counts)?.shareBp ?? null;
    if (feature.kind === 'count' || feature.kind === 'sum') return () => sums[sum]!;
    const range = { afterUs: windowStartUs(asOfUs, feature.window), upToUs: asOfUs };
    return (lastImage) => {
      const latestUs = latestLiveUs(images, lastImage, range);
      return latestUs === null ? null : asOfUs - latestUs;
    };
  };
  const fills = features.map((feature) => ({ at: place.get(feature.name)!, value: readerOf(feature) }));

  return (lastImage, row) => {
    sums.fill(0);
    for (const counts of counted.values()) counts.clear();
    add(lastImage);
    for (const { at, value } of fills) row[at] = value(lastImage);
  };
}

/** The most frequent value, the lowest of equals, and its share in basis points; null if nothing is counted. */
function rank(counts: ReadonlyMap<number, number>): { value: number; shareBp: number } | null {
  let [top, most, total] = [0, 0, 0];
  for (const [value, n] of counts) {
    if (n <= 0) continue;
    total += n;
    if (n > most || (n === most && value < top)) [top, most] = [value, n];
  }
  return most === 0 ? null : { value: top, shareBp: Math.floor((most * 10_000) / total) };
}

/** Of the device with the latest event time, the lowest id of equals. A deleted one has no event time. */
function latestValue(current: Entity['current'][number]): number | null {
  let latest: { id: number; eventUs: number; value: number } | null = null;
  for (const [id, { eventUs, value }] of current) {
    if (Number.isNaN(eventUs)) continue;
    if (latest === null || eventUs > latest.eventUs || (eventUs === latest.eventUs && id < latest.id))
      latest = { id, eventUs, value };
  }
  return latest === null || Number.isNaN(latest.value) ? null : latest.value;
}
