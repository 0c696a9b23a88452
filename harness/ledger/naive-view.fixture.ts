/** The feature view a second time, for tests: in memory, by loops, straight from the words of its definition. */
import { customerActivity, type Feature, type Window } from '../../workloads/feature-view.js';
import type { Features, RowVersion } from './oracle.js';
import type { GivenTrace, Image } from './trace.fixture.js';

export function evaluateNaively(trace: GivenTrace, { customer, lastSeq, asOfUs }: RowVersion): Features {
  const past = (name: 'orders' | 'clicks' | 'devices') =>
    (trace.history?.[name] ?? []).filter((row) => row.customer === customer);
  const applied = trace.changes
    .filter((change) => change.customer === customer && change.seq <= lastSeq && change.truth === undefined)
    .sort((a, b) => a.seq - b.seq);
  const changesOf = (table: string) => applied.filter((change) => change.table === table);

  const clicks = [...past('clicks'), ...changesOf('clicks').map(({ after }) => after!)];
  const added = [...past('orders')];
  const removed: Image[] = [];
  const live = new Map(added.map((row) => [row.order_id, row]));
  for (const { before, after } of changesOf('orders')) {
    if (before) removed.push(before);
    if (before) live.delete(before.order_id!);
    if (after) added.push(after);
    if (after) live.set(after.order_id!, after);
  }
  const devices = new Map(past('devices').map((row) => [row.device_id, row]));
  for (const { after } of changesOf('devices')) devices.set(after!.device_id, after!);

  const inside = (window: Window, us: unknown) => {
    const tile = Math.floor(asOfUs / window.tileUs) * window.tileUs;
    return (us as number) > tile - window.windowUs && (us as number) <= asOfUs;
  };
  const sum = (rows: readonly Image[], window: Window, time: string, value: (row: Image) => number) =>
    rows.filter((row) => inside(window, row[time])).reduce((total, row) => total + value(row), 0);
  const net = (window: Window, value: (row: Image) => number) =>
    sum(added, window, 'placed_us', value) - sum(removed, window, 'placed_us', value);
  const topOf = (window: Window) => {
    const counts = Array.from({ length: 12 }, (_, category) =>
      net(window, (row) => (row.category === category ? 1 : 0)),
    );
    const best = counts.reduce((top, count, category) => (count > counts[top]! ? category : top), 0);
    const total = counts.reduce((all, count) => all + count, 0);
    return total > 0 ? { category: best, shareBp: Math.floor((10_000 * counts[best]!) / total) } : null;
  };

  const featureOf = (feature: Feature): number | null => {
    switch (feature.kind) {
      case 'count':
        return feature.source === 'orders'
          ? net(feature.window, () => 1)
          : sum(clicks, feature.window, 'clicked_us', () => 1);
      case 'sum':
        return net(feature.window, (row) => row.amount_cents as number);
      case 'age': {
        const placed = [...live.values()]
          .map((row) => row.placed_us as number)
          .filter((us) => inside(feature.window, us));
        return placed.length > 0 ? asOfUs - Math.max(...placed) : null;
      }
      case 'top':
        return topOf(feature.window)?.category ?? null;
      case 'top_share':
        return topOf(feature.window)?.shareBp ?? null;
      case 'latest': {
        const newest = [...devices.values()].sort(
          (a, b) => (b.seen_us as number) - (a.seen_us as number) || (a.device_id as number) - (b.device_id as number),
        );
        return (newest[0]?.risk as number | undefined) ?? null;
      }
    }
  };
  return customerActivity.features.map(featureOf);
}
