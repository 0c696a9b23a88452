/** The three roles together, in this process, on the real servers and tables. */

import { afterEach, expect, it } from 'vitest';
import type { ChangeKey, Plane, Quarantined, RoleContext } from '../../harness/architecture.js';
import { openOracle } from '../../harness/ledger/oracle.js';
import { differingRows } from '../../harness/ledger/row-verdicts.js';
import { testOrigin } from '../../harness/lineage/fixture-origin.js';
import { seededRandom } from '../../harness/random.js';
import { historyFiles } from '../../workloads/trace.js';
import { openWorld, type World } from '../fixture-world.js';
import { openArchive, rawTable } from './archive.js';
import lambda from './index.js';

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  while (endings.length > 0) await endings.pop()?.();
});

/** All that the roles serve, once each is ready. */
async function startPlane(world: World): Promise<Plane> {
  const abort = new AbortController();
  const plane: Partial<Plane> = {};
  const died: unknown[] = [];
  const roles = lambda({ batchIntervalUs: 3_600_000_000, archiveIntervalUs: 50_000 }).roles.map((role) => {
    let ready = () => {};
    const isReady = new Promise<void>((resolve) => {
      ready = resolve;
    });
    const context: RoleContext = {
      ...world,
      random: seededRandom(1, role.name),
      origin: testOrigin(role.name, seededRandom(1, `/run/${role.name}`)),
      signal: abort.signal,
      ready: () => ready(),
      serve: async (operations) => void Object.assign(plane, operations),
    };
    const ran = role.run(context).catch((error: unknown) => {
      if (!abort.signal.aborted) died.push(error);
    });
    return { isReady, ran };
  });
  endings.push(async () => {
    abort.abort(new Error('stopped by the test'));
    await Promise.all(roles.map(({ ran }) => ran));
    expect(died).toEqual([]);
  });
  await Promise.all(roles.map(({ isReady }) => isReady));
  return plane as Plane;
}

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
  endings.push(() => oracle.close());
  const plane = await startPlane(world);
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
