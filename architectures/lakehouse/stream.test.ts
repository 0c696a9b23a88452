/** The roles on the real embedded servers and tables, killed and failed at their calls by a seeded draw. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Plane } from '../../harness/architecture.js';
import type { OnlineStore } from '../../harness/ports/online-store/port.js';
import type { TableStore } from '../../harness/ports/table-store/port.js';
import { seededRandom } from '../../harness/random.js';
import type { FeatureRow } from '../../workloads/feature-view.js';
import { predict } from '../../workloads/model.js';
import { historyFiles } from '../../workloads/trace.js';
import { evaluateAll } from '../fixture-brute-force.js';
import { openWorld, type World } from '../fixture-world.js';
import { Death, isDrained, noTrouble, startRole, type Trouble } from './fixture-role.js';
import { changesTable, rowTable } from './tables.js';

const params = {
  batchIntervalUs: 1_000,
  batchRows: 25,
  cachedCustomers: 15,
  cacheTtlUs: 0,
  maintenanceIntervalUs: 20_000,
};
const noParams = { cacheTtlUs: 0 };

async function collect<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const page of pages) all.push(...page);
  return all;
}

async function drain(world: World): Promise<void> {
  const stream = startRole(world, 'stream', params, seededRandom(1));
  await stream.serving;
  while (!(await isDrained(world))) await world.clock.sleep(5_000);
  await stream.stop();
}

/** Starts the stream again and again until it has taken everything; returns how often it died. */
async function drainThrough(world: World, trouble: Trouble, seed: number): Promise<number> {
  let deaths = 0;
  for (let life = 0; ; life++) {
    const stream = startRole(world, 'stream', params, seededRandom(seed + life), trouble);
    const drained = (async () => {
      while (!(await isDrained(world).catch(() => false))) await world.clock.sleep(5_000);
      return true;
    })();
    const done = await Promise.race([drained, stream.ended.then((error) => error)]);
    if (done === true) {
      await stream.stop();
      return deaths;
    }
    if (!(done instanceof Death)) throw done;
    deaths++;
  }
}

/** The world of a role whose appends of changes stand still after the first `free` of them. */
function holdAppends(world: World, free: number) {
  let left = free;
  let release: () => void = () => {};
  let reach: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const append: TableStore['append'] = async (table, rows, txns) => {
    if (table === changesTable && rows.rows > 0 && left-- <= 0) {
      reach();
      await released;
    }
    return world.ports.tables.append(table, rows, txns);
  };
  const ports = { ...world.ports, tables: { ...world.ports.tables, append } };
  return { world: { ...world, ports }, reached, release };
}

async function withServing<T>(world: World, use: (plane: Plane) => Promise<T>): Promise<T> {
  const serving = startRole(world, 'serving', noParams, seededRandom(2));
  try {
    return await use((await serving.serving) as Plane);
  } finally {
    await serving.stop();
  }
}

async function expectTruth(world: World): Promise<void> {
  await withServing(world, async (plane) => {
    const held = await collect(plane.exportChanges());
    expect(held.map(({ customer, seq }) => `${customer}/${seq}`).sort()).toEqual(world.truth.sound);
    const refused = await collect(plane.quarantine());
    expect(refused.map(({ customer, seq, reason }) => `${customer}/${seq}/${reason}`).sort()).toEqual(
      world.truth.refused,
    );
    const keys = world.truth.ofCustomer.map((_, customer) => String(customer));
    const rows = await plane.lookup({ keys });
    expect(rows.map(({ key, lastSeq }) => [key, lastSeq])).toEqual(
      world.truth.ofCustomer.map((changes, customer) => [String(customer), Math.max(...changes.map(({ seq }) => seq))]),
    );
    expectRight(world, rows);
  });
}

/** Each row is that of its own (lastSeq, asOfUs). */
function expectRight(world: World, rows: readonly FeatureRow[]): void {
  for (const { key, lastSeq, asOfUs, features } of rows) {
    const changes = world.truth.ofCustomer[Number(key)]!.filter(({ seq }) => seq <= lastSeq);
    expect(asOfUs).toBeGreaterThanOrEqual(Math.max(...changes.map(({ commitUs }) => commitUs)));
    expect({ key, lastSeq, features }).toEqual({ key, lastSeq, features: evaluateAll(changes, asOfUs) });
  }
}

async function backfill(world: World): Promise<void> {
  const stream = startRole(world, 'stream', params, seededRandom(3));
  const { backfill: load } = (await stream.serving) as Plane;
  const result = await load({ files: historyFiles(world.traceDirectory) });
  expect(result.rows).toBe(world.info.history.facts + world.contract.customers);
  await stream.stop();
}

describe('the lakehouse in quiet times', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(11);
  });
  afterAll(() => world.close());

  it('serves zeros for a customer of whom it knows nothing', async () => {
    await backfill(world);
    const [row, prediction] = await withServing(
      world,
      async (plane) =>
        [(await plane.lookup({ keys: ['999999'] }))[0]!, (await plane.predict({ keys: ['999999'] }))[0]!] as const,
    );
    expect(row.lastSeq).toBe(0);
    expect(row.features).toEqual([...new Array(9).fill(0), null, null, null, null]);
    expect(prediction).toMatchObject({ key: '999999', lastSeq: 0, score: predict(row.features), modelVersion: 1 });
  });

  it('shows history after a backfill, and after a second one the same', async () => {
    const rows = () => world.ports.onlineStore.scan(rowTable, null, 1_000);
    const before = await rows();
    // And two that say that these are all.
    expect(before.length).toBe(world.contract.customers + 2);
    await withServing(world, async (plane) =>
      expectRight(world, await plane.lookup({ keys: world.truth.ofCustomer.map((_, customer) => String(customer)) })),
    );
    // Not of the changes: every stream that starts takes them over by a commit.
    const versions = async () =>
      Promise.all(
        (await world.ports.tables.tables())
          .filter((table) => table !== changesTable)
          .map(async (table) => (await world.ports.tables.snapshot(table)).version),
      );
    const tables = await versions();
    await backfill(world);
    expect(await rows()).toEqual(before);
    expect(await versions()).toEqual(tables);
  });

  it('takes the whole log: each change once in the tables, refused ones with their reason, rows as by brute force', async () => {
    await world.append(0, 1e9);
    await drain(world);
    await expectTruth(world);
  });

  it('keeps the tables and the answers through maintenance', async () => {
    const inventory = () => withServing(world, (plane) => plane.inventory());
    const before = await inventory();
    expect(before.files).toBeGreaterThan(20);
    const compactor = startRole(world, 'compactor', params, seededRandom(4));
    await compactor.serving;
    while ((await inventory()).smallFiles > 8) await world.clock.sleep(20_000);
    await compactor.stop();
    await expectTruth(world);
    const current = await world.ports.tables.snapshot('current');
    const entities = new Set(
      world.truth.ofCustomer
        .flat()
        .flatMap(({ seq, refused, table, entity }) => (seq > 0 && !refused ? [`${table}/${entity}`] : [])),
    );
    const deleted = new Set(
      world.truth.ofCustomer
        .flat()
        .flatMap(({ refused, op, table, entity }) => (!refused && op === 'd' ? [`${table}/${entity}`] : [])),
    );
    expect(current.files.reduce((sum, { rows }) => sum + rows, 0)).toBe(entities.size - deleted.size);
  });
});

describe('the lakehouse in trouble', () => {
  it.each([21, 22, 23])('loses nothing and doubles nothing wherever it is killed (seed %i)', async (seed) => {
    const world = await openWorld(seed);
    try {
      await backfill(world);
      await world.append(0, 1e9);
      const deaths = await drainThrough(world, { failed: 15, indeterminate: 15, death: 20 }, seed);
      expect(deaths).toBeGreaterThan(3);
      await expectTruth(world);
    } finally {
      await world.close();
    }
  });

  it('refuses a stream that stood still, was replaced in the middle of what it had read, and goes on', async () => {
    const world = await openWorld(51);
    try {
      await backfill(world);
      await world.append(0, 1e9);
      // It reads everything, puts the rows online, and stands still before it commits.
      const first = holdAppends(world, 0);
      const zombie = startRole(first.world, 'stream', { ...params, batchRows: 40_000 }, seededRandom(5));
      await first.reached;
      const second = holdAppends(world, 3);
      const successor = startRole(second.world, 'stream', params, seededRandom(6));
      await second.reached;
      first.release();
      expect(String(await zombie.ended)).toMatch(/another one has taken over/);
      second.release();
      while (!(await isDrained(world))) await world.clock.sleep(5_000);
      await successor.stop();
      await expectTruth(world);
    } finally {
      await world.close();
    }
  });

  it('is right when it is killed while history is loaded, and when changes came first', async () => {
    const world = await openWorld(31);
    try {
      await world.append(0, 200);
      await drain(world);
      let loaded = false;
      for (let life = 0; !loaded; life++) {
        const stream = startRole(world, 'stream', params, seededRandom(life), { ...noTrouble, death: 60 });
        const loading = stream.serving.then((plane) => plane.backfill!({ files: historyFiles(world.traceDirectory) }));
        const done = await Promise.race([loading.then(() => true), stream.ended]).catch((error: unknown) => error);
        loaded = done === true;
        if (!loaded && !(done instanceof Death)) throw done;
        await stream.stop();
      }
      await world.append(200, 1e9);
      await drain(world);
      await expectTruth(world);
    } finally {
      await world.close();
    }
  });

  it('is right when loading fails once history is stored, and the same stream goes on', async () => {
    const world = await openWorld(37);
    try {
      let isBroken = true;
      const get: OnlineStore['get'] = async (table, keys) => {
        if (isBroken && keys.includes('0')) throw new Error('broken by the test');
        return world.ports.onlineStore.get(table, keys);
      };
      const ports = { ...world.ports, onlineStore: { ...world.ports.onlineStore, get } };
      const stream = startRole({ ...world, ports }, 'stream', params, seededRandom(1));
      const { backfill: load } = (await stream.serving) as Plane;
      await expect(load({ files: historyFiles(world.traceDirectory) })).rejects.toThrow('broken by the test');
      isBroken = false;
      await world.append(0, 1e9);
      while (!(await isDrained(world))) await world.clock.sleep(5_000);
      await stream.stop();
      await expectTruth(world);
    } finally {
      await world.close();
    }
  });

  it('makes rows anew from the tables when the online store has lost them', async () => {
    const world = await openWorld(41);
    try {
      await backfill(world);
      await world.append(0, 450);
      await drain(world);
      await world.ports.onlineStore.drop(rowTable);
      await world.append(450, 1e9);
      await drain(world);
      await withServing(world, async (plane) => {
        const rows = await plane.lookup({ keys: world.truth.ofCustomer.map((_, customer) => String(customer)) });
        expectRight(world, rows);
      });
    } finally {
      await world.close();
    }
  });
});
