/**
 * The feature view `customer_activity`, defined once: every plane and the oracle serve exactly this.
 *
 * A row is a function of (customer, last_seq, as_of): history plus every change of the customer with seq <= last_seq
 * that was not refused, evaluated at as_of. Window features at t sum the events whose event time lies in
 * (floor(t, tile) - window, t]. An insert adds `after`; an update retracts `before` and adds `after`; a delete retracts
 * `before`; each in the tile of the image's own event time. Integers only: cents, basis points, microseconds.
 */
import { hourUs, minuteUs } from './durations.js';

export interface Window {
  readonly label: '1h' | '24h' | '7d';
  readonly windowUs: number;
  /** Tiles are aligned to the Unix epoch. */
  readonly tileUs: number;
}

export const windows: readonly Window[] = [
  { label: '1h', windowUs: hourUs, tileUs: minuteUs },
  { label: '24h', windowUs: 24 * hourUs, tileUs: 15 * minuteUs },
  { label: '7d', windowUs: 7 * 24 * hourUs, tileUs: hourUs },
];

/** How a feature is computed; `source` names the table whose changes it folds. */
export type Feature =
  | { readonly name: string; readonly kind: 'count'; readonly source: 'orders' | 'clicks'; readonly window: Window }
  | {
      readonly name: string;
      readonly kind: 'sum';
      readonly source: 'orders';
      readonly column: 'amount_cents';
      readonly window: Window;
    }
  /** as_of minus the event time of the latest live (not deleted) order placed in the window; null if there is none. */
  | { readonly name: string; readonly kind: 'age'; readonly source: 'orders'; readonly window: Window }
  /** The category with most orders in the window (lowest id on ties), and its share in basis points, rounded down; null if there are none. */
  | {
      readonly name: string;
      readonly kind: 'top';
      readonly source: 'orders';
      readonly column: 'category';
      readonly window: Window;
    }
  | {
      readonly name: string;
      readonly kind: 'top_share';
      readonly source: 'orders';
      readonly column: 'category';
      readonly window: Window;
    }
  /** `risk` of the device with the latest event time (lowest device id on ties); null if there is none. */
  | { readonly name: string; readonly kind: 'latest'; readonly source: 'devices'; readonly column: 'risk' };

export interface FeatureView {
  readonly name: string;
  readonly version: number;
  readonly features: readonly Feature[];
}

const longest = windows[2] as Window;

export const customerActivity: FeatureView = {
  name: 'customer_activity',
  version: 1,
  features: [
    ...windows.map(
      (window): Feature => ({ name: `orders_count_${window.label}`, kind: 'count', source: 'orders', window }),
    ),
    ...windows.map(
      (window): Feature => ({
        name: `orders_amount_cents_${window.label}`,
        kind: 'sum',
        source: 'orders',
        column: 'amount_cents',
        window,
      }),
    ),
    ...windows.map(
      (window): Feature => ({ name: `clicks_count_${window.label}`, kind: 'count', source: 'clicks', window }),
    ),
    { name: 'last_order_age_us', kind: 'age', source: 'orders', window: longest },
    { name: 'top_category_7d', kind: 'top', source: 'orders', column: 'category', window: longest },
    { name: 'top_category_share_bp_7d', kind: 'top_share', source: 'orders', column: 'category', window: longest },
    { name: 'device_risk_latest', kind: 'latest', source: 'devices', column: 'risk' },
  ],
};

/** A sum over the events of a window: 0, never null, where there are none. */
export type AdditiveFeature = Extract<Feature, { kind: 'count' | 'sum' }>;

export function isAdditive(feature: Feature): feature is AdditiveFeature {
  return feature.kind === 'count' || feature.kind === 'sum';
}

/** The features of a customer of whom nothing is known. */
export function emptyFeatures(view: FeatureView): (number | null)[] {
  return view.features.map((feature) => (isAdditive(feature) ? 0 : null));
}

/** A served row. `features` are in the order of the view's features. */
export interface FeatureRow {
  /** The customer's id in decimal. */
  readonly key: string;
  /** The highest s such that every change of the customer with seq <= s is applied or refused; 0 before the first. */
  readonly lastSeq: number;
  /** Event time at which the row was evaluated; never before the commit time of change `lastSeq`. */
  readonly asOfUs: number;
  readonly features: readonly (number | null)[];
}

export interface Prediction {
  readonly key: string;
  /** Probability in [0, 1]. */
  readonly score: number;
  readonly modelVersion: number;
  readonly lastSeq: number;
  readonly asOfUs: number;
}
