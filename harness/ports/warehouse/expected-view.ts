/**
 * The feature view by brute force, for tests: every row from all facts and changes, in plain TypeScript. It follows the
 * words of workloads/feature-view.ts and shares nothing with the refresh.
 */
import { hourUs, minuteUs } from '../../../workloads/durations.js';

export interface HistoryFact {
  readonly source: 'orders' | 'clicks' | 'devices';
  readonly customer: number;
  readonly entity: number;
  readonly eventUs: number;
  readonly amountCents: number;
  readonly category: number;
  readonly risk: number;
}

export interface Image {
  readonly eventUs: number;
  readonly amountCents: number;
  readonly category: number;
}

export interface Change {
  readonly source: 'orders' | 'clicks' | 'devices' | 'customers';
  readonly customer: number;
  readonly seq: number;
  readonly op: 'c' | 'u' | 'd';
  readonly commitUs: number;
  readonly refused: boolean;
  readonly entity: number;
  readonly after: Image | null;
  readonly before: Image | null;
  readonly risk: number;
}

/** The end of the prefix of seqs without a gap. */
export function lastSeqOf(changes: readonly Change[]): number {
  const seqs = new Set(changes.map(({ seq }) => seq));
  let last = 0;
  while (seqs.has(last + 1)) last++;
  return last;
}

type Bounds = readonly [windowUs: number, tileUs: number];
const bounds: readonly [Bounds, Bounds, Bounds] = [
  [hourUs, minuteUs],
  [24 * hourUs, 15 * minuteUs],
  [168 * hourUs, hourUs],
];

const isInside = (eventUs: number, [windowUs, tileUs]: Bounds, asOfUs: number) =>
  eventUs <= asOfUs && eventUs > asOfUs - (asOfUs % tileUs) - windowUs;

/** Whether an order or a click enters or leaves a window from one time to the other; from null, whether one is inside. */
export function hasCrossing(
  history: readonly HistoryFact[],
  changes: readonly Change[],
  lastSeq: number,
  fromUs: number | null,
  toUs: number,
): boolean {
  const applied = changes.filter(({ seq, refused }) => seq <= lastSeq && !refused);
  const images = [...signedImages('orders', history, applied), ...signedImages('clicks', history, applied)];
  return images.some(({ eventUs }) =>
    bounds.some((window) => isInside(eventUs, window, toUs) !== (fromUs !== null && isInside(eventUs, window, fromUs))),
  );
}

/** In the order of the features of `customer_activity`. */
export function expectedFeatures(
  history: readonly HistoryFact[],
  changes: readonly Change[],
  lastSeq: number,
  asOfUs: number,
): (number | null)[] {
  const applied = changes.filter(({ seq, refused }) => seq <= lastSeq && !refused).sort((a, b) => a.seq - b.seq);
  const orders = signedImages('orders', history, applied);
  const clicks = signedImages('clicks', history, applied);
  const inside = (images: readonly SignedImage[], window: Bounds) =>
    images.filter(({ eventUs }) => isInside(eventUs, window, asOfUs));
  const week = inside(orders, bounds[2]);
  const liveTimes = week
    .filter(({ eventUs }) => week.filter((other) => other.eventUs === eventUs).reduce((n, { sign }) => n + sign, 0) > 0)
    .map(({ eventUs }) => eventUs);
  const perCategory = new Map<number, number>();
  for (const { category, sign } of week) perCategory.set(category, (perCategory.get(category) ?? 0) + sign);
  const ranked = [...perCategory].filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  const total = ranked.reduce((sum, [, n]) => sum + n, 0);
  const devices = currentDevices(history, applied).sort((a, b) => b.eventUs - a.eventUs || a.entity - b.entity);
  return [
    ...bounds.map((window) => inside(orders, window).reduce((n, { sign }) => n + sign, 0)),
    ...bounds.map((window) =>
      inside(orders, window).reduce((sum, { sign, amountCents }) => sum + sign * amountCents, 0),
    ),
    ...bounds.map((window) => inside(clicks, window).reduce((n, { sign }) => n + sign, 0)),
    liveTimes.length > 0 ? asOfUs - Math.max(...liveTimes) : null,
    ranked[0]?.[0] ?? null,
    ranked[0] ? Math.floor((ranked[0][1] * 10_000) / total) : null,
    devices[0]?.risk ?? null,
  ];
}

interface SignedImage extends Image {
  readonly sign: 1 | -1;
}

function signedImages(
  source: 'orders' | 'clicks',
  history: readonly HistoryFact[],
  applied: readonly Change[],
): SignedImage[] {
  const images: SignedImage[] = history.filter((fact) => fact.source === source).map((fact) => ({ ...fact, sign: 1 }));
  for (const change of applied.filter((candidate) => candidate.source === source)) {
    if (change.after) images.push({ ...change.after, sign: 1 });
    if (change.before) images.push({ ...change.before, sign: -1 });
  }
  return images;
}

function currentDevices(history: readonly HistoryFact[], applied: readonly Change[]) {
  const devices = new Map<number, { entity: number; eventUs: number; risk: number }>();
  for (const { source, entity, eventUs, risk } of history) {
    if (source === 'devices') devices.set(entity, { entity, eventUs, risk });
  }
  for (const { source, entity, after, risk } of applied) {
    if (source === 'devices' && after) devices.set(entity, { entity, eventUs: after.eventUs, risk });
  }
  return [...devices.values()];
}
