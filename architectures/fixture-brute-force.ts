/** The feature view by brute force, for tests: every fact and change kept as it came, every read a pass over all of them. */
import { hourUs, minuteUs } from '../workloads/durations.js';

/** A change as its columns; -1 where it has no such thing. */
export interface PlainChange {
  readonly seq: number;
  readonly commitUs: number;
  readonly table: 'orders' | 'clicks' | 'devices' | 'customers';
  readonly op: 'c' | 'u' | 'd';
  readonly refused: boolean;
  readonly entity: number;
  readonly eventUs: number;
  readonly amountCents: number;
  readonly category: number;
  readonly risk: number;
  readonly beforeEventUs: number;
  readonly beforeAmountCents: number;
  readonly beforeCategory: number;
}

export const plainChange: PlainChange = {
  seq: 0,
  commitUs: 0,
  table: 'customers',
  op: 'c',
  refused: false,
  entity: -1,
  eventUs: -1,
  amountCents: -1,
  category: -1,
  risk: -1,
  beforeEventUs: -1,
  beforeAmountCents: -1,
  beforeCategory: -1,
};

/** Features in the order of customer_activity, of changes that are already cut at a seq. */
export function evaluateAll(changes: readonly PlainChange[], asOfUs: number): (number | null)[] {
  const sound = changes.filter(({ refused }) => !refused);
  const liveOrders = new Map<number, PlainChange>();
  const devices = new Map<number, PlainChange>();
  for (const change of sound.toSorted((a, b) => a.seq - b.seq)) {
    if (change.table === 'devices') devices.set(change.entity, change);
    if (change.table !== 'orders') continue;
    if (change.op === 'd') liveOrders.delete(change.entity);
    else liveOrders.set(change.entity, change);
  }
  const orders = [...liveOrders.values()];
  const clicks = sound.filter(({ table }) => table === 'clicks');
  const windows: [windowUs: number, tileUs: number][] = [
    [hourUs, minuteUs],
    [24 * hourUs, 15 * minuteUs],
    [7 * 24 * hourUs, hourUs],
  ];
  const inWindow = (list: readonly PlainChange[], [windowUs, tileUs]: [number, number]) =>
    list.filter(({ eventUs }) => eventUs > asOfUs - (asOfUs % tileUs) - windowUs && eventUs <= asOfUs);
  const week = inWindow(orders, windows[2]!);
  const counts = new Map<number, number>();
  for (const { category } of week) counts.set(category, (counts.get(category) ?? 0) + 1);
  const [top] = [...counts].toSorted(([a, many], [b, more]) => more - many || a - b);
  const [latestDevice] = [...devices.values()].toSorted((a, b) => b.eventUs - a.eventUs || a.entity - b.entity);
  return [
    ...windows.map((window) => inWindow(orders, window).length),
    ...windows.map((window) => inWindow(orders, window).reduce((sum, { amountCents }) => sum + amountCents, 0)),
    ...windows.map((window) => inWindow(clicks, window).length),
    week.length === 0 ? null : asOfUs - Math.max(...week.map(({ eventUs }) => eventUs)),
    top ? top[0] : null,
    top ? Math.floor((10_000 * top[1]) / week.length) : null,
    latestDevice ? latestDevice.risk : null,
  ];
}
