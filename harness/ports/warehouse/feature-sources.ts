/** Where the features of a view find their data: tables of history facts and columns of changes, per source table. */
import type { historySchemas } from '../../../workloads/fact-schemas.js';
import type { Feature, Window } from '../../../workloads/feature-view.js';

export type Source = Feature['source'];

/** How an image of a source looks in history; in changes its columns are `entity`, `event_us` and the values' names. */
export interface SourceColumns {
  readonly entity: string;
  readonly eventTime: string;
}

type HistoryColumn<S extends Source> = (typeof historySchemas)[S][number]['name'];

export const sourceColumns: { readonly [S in Source]: Record<keyof SourceColumns, HistoryColumn<S>> } = {
  orders: { entity: 'order_id', eventTime: 'placed_us' },
  clicks: { entity: 'click_id', eventTime: 'clicked_us' },
  devices: { entity: 'device_id', eventTime: 'seen_us' },
};

export type WindowFeature = Exclude<Feature, { readonly kind: 'latest' }>;
export type LatestFeature = Extract<Feature, { readonly kind: 'latest' }>;

/** The features of one source that are folds over windows, with what they need of an image. */
export interface WindowedSource {
  readonly source: Source;
  readonly features: readonly WindowFeature[];
  readonly windows: readonly Window[];
  /** Columns of an image beside its customer and event time. */
  readonly values: readonly string[];
}

export function windowedSources(features: readonly Feature[]): WindowedSource[] {
  const windowed = features.filter((feature) => feature.kind !== 'latest');
  return [...new Set(windowed.map(({ source }) => source))].map((source) => {
    const own = windowed.filter((feature) => feature.source === source);
    return {
      source,
      features: own,
      windows: own.map(({ window }) => window).filter((window, i, all) => all.findIndex(isSame(window)) === i),
      values: [...new Set(own.flatMap((feature) => ('column' in feature ? [feature.column] : [])))],
    };
  });
}

const isSame = (a: Window) => (b: Window) => a.windowUs === b.windowUs && a.tileUs === b.tileUs;

/** Which of the source's windows it is. */
export function windowIndex({ windows }: WindowedSource, window: Window): number {
  return windows.findIndex(isSame(window));
}

export function latestFeatures(features: readonly Feature[]): LatestFeature[] {
  return features.filter((feature) => feature.kind === 'latest');
}

/** The last moment that a window at `atUs` no longer covers. */
export function windowStartUs(atUs: number, { tileUs, windowUs }: Window): number {
  return Math.floor(atUs / tileUs) * tileUs - windowUs;
}
