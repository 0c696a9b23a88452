/** The three roles together, in this process, on the real servers and tables. */
import { afterEach, expect, it } from 'vitest';
import type { ChangeKey, Quarantined, RoleContext } from '../../harness/architecture.js';
import { CallError } from '../../harness/errors.js';
import { openOracle } from '../../harness/ledger/oracle.js';
import { differingRows } from '../../harness/ledger/row-verdicts.js';
import { seededRandom } from '../../harness/random.js';
import { historyFiles } from '../../workloads/trace.js';
import { openWorld } from '../fixture-world.js';
import { openArchive, rawTable } from './archive.js';
import { batchTable } from './epochs.js';
import { startPlane } from './fixture-plane.js';
import { emptyRow, encodeRow } from './view-row.js';

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  while (endings.length > 0) await endings.pop()?.();
});

async function collect<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const page of pages) all.push(...page);
  return all;
}

it('refuses a batch role that stood still and was replaced: it archives nothing twice and publishes nothing', async () => {
  const world = await openWorld(51);
  endings.push(() => world.close());
  const open = (seed: number) => {
    const context = { ...world, random: seededRandom(seed), signal: new AbortController().signal };
    return openArchive(context as unknown as RoleContext);
  };
  const zombie = await open(1);
  await world.append(0, 100);
  await zombie.archive();
  const successor = await open(2);
  await world.append(100, 200);
  await expect(zombie.archive()).rejects.toThrow('another one has taken over');
  await expect(zombie.requireOwn()).rejects.toThrow('another one has taken over');
  await successor.archive();
  await successor.requireOwn();
  const { tables, changeLog } = world.ports;
  expect(successor.cut()).toEqual(await changeLog.endOffsets(world.contract.topic));
  const archived: string[] = [];
  for await (const { rows, columns } of tables.scan(await tables.snapshot(rawTable), {
    columns: ['customer', 'seq', 'refused'],
  }))
    for (let i = 0; i < rows; i++)
      if (columns.refused?.[i] !== 'duplicate') archived.push(`${columns.customer?.[i]}/${columns.seq?.[i]}`);
  expect(archived.length).toBeGreaterThan(200);
  expect(new Set(archived).size).toBe(archived.length);
});

it('serves what the oracle expects, and lists every change as held or as refused', async () => {
  const world = await openWorld(11);
  endings.push(() => world.close());
  const oracle = await openOracle(world.traceDirectory);
  const { plane, stop } = await startPlane(world);
  endings.push(stop);
  await plane.backfill({ files: historyFiles(world.traceDirectory) });
  await world.append(0, 1e9);

  const { sound, refused, ofCustomer } = world.truth;
  const held = async () =>
    (await collect<ChangeKey>(plane.exportChanges())).map(({ customer, seq }) => `${customer}/${seq}`);
  const reasons = async () =>
    (await collect<Quarantined>(plane.quarantine())).map(({ customer, seq, reason }) => `${customer}/${seq}/${reason}`);
  const keys = ofCustomer.map((_, customer) => String(customer));
  const isBehind = (rows: readonly { readonly lastSeq: number }[]) =>
    rows.some(({ lastSeq }, customer) => lastSeq < Math.max(...ofCustomer[customer]!.map(({ seq }) => seq)));
  while ((await held()).length < sound.length || isBehind(await plane.lookup({ keys })))
    await world.clock.sleep(20_000);

  expect((await held()).sort()).toEqual(sound);
  expect((await reasons()).sort()).toEqual(refused);
  expect(await differingRows(oracle, await plane.lookup({ keys }))).toEqual([]);
  const [row] = await plane.lookup({ keys: ['0'] });
  expect(await plane.predict({ keys: ['0'] })).toMatchObject([{ key: '0', lastSeq: row?.lastSeq }]);
});

it('says that its views are gone where the store has lost them behind the pointer, and computes them again', async () => {
  const world = await openWorld(61);
  endings.push(() => world.close());
  const { plane, stop } = await startPlane(world);
  endings.push(stop);
  await plane.backfill({ files: historyFiles(world.traceDirectory) });
  const { onlineStore } = world.ports;
  const views = (await onlineStore.tables()).filter((name) => name.startsWith('lambda-batch-'));
  expect(views.length).toBeGreaterThan(0);
  for (const view of views) await onlineStore.drop(view);
  await expect(plane.lookup({ keys: ['0'] })).rejects.toThrow('the views are gone from the online store');
  // The next batch is due in an hour.
  for (;;) {
    const rows = await plane.lookup({ keys: ['0'] }).catch((error: unknown) => {
      if (!(error instanceof CallError)) throw error;
      return null;
    });
    if (rows) break;
    await world.clock.sleep(5_000);
  }
  const [row] = await plane.lookup({ keys: ['0'] });
  expect(await differingRows(await openOracle(world.traceDirectory), [row!])).toEqual([]);
});

it('begins behind a view that a dead process did not finish, and clears it away', async () => {
  const world = await openWorld(63);
  endings.push(() => world.close());
  const { onlineStore } = world.ports;
  const unfinished = { keys: ['0'], seqs: [1_000_000], asOfUs: [world.clock.nowUs()], values: [encodeRow(emptyRow())] };
  await onlineStore.put(batchTable(0), unfinished);
  const { plane, stop } = await startPlane(world);
  endings.push(stop);
  await plane.backfill({ files: historyFiles(world.traceDirectory) });
  const rows = await plane.lookup({ keys: ['0'] });
  expect(await differingRows(await openOracle(world.traceDirectory), rows)).toEqual([]);
  // It goes when the first that is served has taken its place.
  while ((await onlineStore.tables()).includes(batchTable(0))) await world.clock.sleep(5_000);
});
