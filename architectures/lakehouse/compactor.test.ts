/** Table maintenance on the real tables: what is old moves down the tiers, and nothing is lost on the way. */
import { expect, it } from 'vitest';
import type { ChangeKey, Plane } from '../../harness/architecture.js';
import { seededRandom } from '../../harness/random.js';
import { historyFiles } from '../../workloads/trace.js';
import { openWorld } from '../fixture-world.js';
import { startRole } from './fixture-role.js';
import { changesTable, streamTxn } from './tables.js';

it('tables and history become cold in large files, whatever calls fail, and hold what they held', async () => {
  const world = await openWorld(5);
  const { tables } = world.ports;
  const stream = startRole(world, 'stream', { batchIntervalUs: 1_000 }, seededRandom(1));
  await (await stream.serving).backfill?.({ files: historyFiles(world.traceDirectory) });
  await world.append(0, 10_000);
  const ends = await world.endOffsets();
  const isDrained = async () => {
    const txns = await tables.txns(changesTable);
    return ends.every((end, partition) => (txns.get(streamTxn(partition)) ?? 0) === end);
  };
  while (!(await isDrained())) await world.clock.sleep(5_000);
  await stream.stop();

  const often = { maintenanceIntervalUs: 1_000, warmAfterUs: 1_000, coldAfterUs: 1_000, retainUs: 1_000 };
  const trouble = { failed: 20, indeterminate: 0, death: 0 };
  const compactor = startRole(world, 'compactor', often, seededRandom(2), trouble);
  await compactor.serving;
  const serving = startRole(world, 'serving', {}, seededRandom(3));
  const plane = (await serving.serving) as Plane;
  const isCold = async () => {
    const tiers = (await plane.inventory()).tiers;
    return tiers !== undefined && tiers.cold.files > 0 && tiers.hot.files + tiers.warm.files === 0;
  };
  while (!(await isCold())) await world.clock.sleep(20_000);
  await compactor.stop();

  const { tiers } = await plane.inventory();
  expect(tiers?.cold.files).toBe((await tables.tables()).length);
  // So few rows gain nothing by it, but they were compressed anew.
  expect(tiers?.cold.bytes).not.toBe(tiers?.cold.hotBytes);
  const held: ChangeKey[] = [];
  for await (const page of plane.exportChanges()) held.push(...page);
  expect(held.map(({ customer, seq }) => `${customer}/${seq}`).sort()).toEqual(world.truth.sound);
  await serving.stop();
  await world.close();
}, 60_000);
