/** The features of a customer at a moment, from its state: what serving does at each read. */
import { UsageError } from '../../harness/errors.js';
import type { Feature, FeatureView, Window } from '../../workloads/feature-view.js';
import { windows } from '../../workloads/feature-view.js';
import { type CustomerState, expiredTile, longest, type Tiles, windowStartUs } from './customer-state.js';
import { latest } from './recent-list.js';

/** Features in the view's order. `asOfUs` is not before the state's `latestUs`. */
export type Evaluate = (state: CustomerState, asOfUs: number) => (number | null)[];

/** Throws UsageError if the view asks for something that the state does not hold. */
export function createEvaluation(view: FeatureView): Evaluate {
  const computed = view.features.map(compile);
  return (state, asOfUs) => {
    for (let level = 0; level <= longest; level++) sumWindow(state.tiles[level] as Tiles, level, asOfUs);
    findTopCategory(state, asOfUs);
    return computed.map((compute) => compute(state, asOfUs));
  };
}

/** Of the row that is being evaluated, by window. */
const orders = windows.map(() => 0);
const cents = windows.map(() => 0);
const clicks = windows.map(() => 0);
/** -1: there are no orders. */
let topCategory = -1;
let topOrders = 0;

function compile(feature: Feature): (state: CustomerState, asOfUs: number) => number | null {
  switch (feature.kind) {
    case 'count': {
      const level = levelOf(feature, feature.window);
      const counts = feature.source === 'orders' ? orders : clicks;
      return () => counts[level] as number;
    }
    case 'sum': {
      const level = levelOf(feature, feature.window);
      return () => cents[level] as number;
    }
    case 'age':
      requireLongest(feature, feature.window);
      return ageOfLastOrder;
    case 'top':
      requireLongest(feature, feature.window);
      return () => (topCategory < 0 ? null : topCategory);
    case 'top_share':
      requireLongest(feature, feature.window);
      return () => (topCategory < 0 ? null : Math.floor((topOrders * 10_000) / (orders[longest] as number)));
    case 'latest':
      return ({ devices }) => (devices.count === 0 ? null : (devices.value[latest(devices)] as number));
  }
}

function ageOfLastOrder(state: CustomerState, asOfUs: number): number | null {
  const last = latest(state.orders);
  if (last < 0) return null;
  const placedUs = state.orders.timeUs[last] as number;
  return placedUs > windowStartUs(asOfUs) ? asOfUs - placedUs : null;
}

function sumWindow(tiles: Tiles, level: number, asOfUs: number): void {
  const expired = expiredTile(asOfUs, level);
  let orderSum = 0;
  let centSum = 0;
  let clickSum = 0;
  for (let i = tiles.count - 1; i >= 0 && (tiles.tile[i] as number) > expired; i--) {
    orderSum += tiles.orders[i] as number;
    centSum += tiles.cents[i] as number;
    clickSum += tiles.clicks[i] as number;
  }
  orders[level] = orderSum;
  cents[level] = centSum;
  clicks[level] = clickSum;
}

let byCategory = new Int32Array(64);

function findTopCategory({ categories }: CustomerState, asOfUs: number): void {
  const expired = expiredTile(asOfUs, longest);
  byCategory.fill(0);
  for (let i = categories.count - 1; i >= 0 && (categories.tile[i] as number) > expired; i--) {
    const category = categories.category[i] as number;
    if (category >= byCategory.length) {
      const larger = new Int32Array(2 * category);
      larger.set(byCategory);
      byCategory = larger;
    }
    byCategory[category] = (byCategory[category] as number) + (categories.orders[i] as number);
  }
  topCategory = -1;
  topOrders = 0;
  for (let category = 0; category < byCategory.length; category++) {
    if ((byCategory[category] as number) <= topOrders) continue;
    topCategory = category;
    topOrders = byCategory[category] as number;
  }
}

function levelOf(feature: Feature, window: Window): number {
  const level = windows.findIndex(({ windowUs, tileUs }) => windowUs === window.windowUs && tileUs === window.tileUs);
  if (level < 0)
    throw new UsageError(
      `lakehouse: feature ${feature.name} asks for the window ${window.label} of ${window.windowUs} us in tiles of ${window.tileUs} us; the plane keeps ${windows.map(({ label }) => label).join(', ')}`,
    );
  return level;
}

function requireLongest(feature: Feature, window: Window): void {
  if (levelOf(feature, window) !== longest)
    throw new UsageError(
      `lakehouse: feature ${feature.name} asks for the window ${window.label}; what orders were and when is kept for ${windows[longest]?.label} only`,
    );
}
