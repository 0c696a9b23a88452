import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Inventory, Plane } from '../../harness/architecture.js';
import { CallError, UsageError } from '../../harness/errors.js';
import { seededRandom } from '../../harness/random.js';
import type { FeatureRow } from '../../workloads/feature-view.js';
import { predict } from '../../workloads/model.js';
import { historyFiles } from '../../workloads/trace.js';
import { Death, openWorld, startRole, type Trouble, troubledPorts, type World } from './fixture-world.js';
import warehouse from './index.js';
import { changesTable } from './tables.js';

const quick = { mergeIntervalUs: 30_000, stageIntervalUs: 10_000 };

describe('the parameters of the warehouse', () => {
  it('have defaults, which are printed', () => {
    expect(warehouse().params).toEqual({
      mergeIntervalUs: 2_000_000,
      stageIntervalUs: 100_000,
      stageRows: 20_000,
      readTimeoutUs: 2_000_000,
      clockToleranceUs: 5_000_000,
      retryPauseUs: 10_000,
      longestRetryPauseUs: 500_000,
      failuresUntilOpen: 3,
    });
    expect(warehouse({ mergeIntervalUs: 500_000 }).params).toMatchObject({ mergeIntervalUs: 500_000 });
  });

  it('are refused with their path, what was given and what there is', () => {
    expect(() => warehouse({ mergeIntervalUs: 0 })).toThrow(UsageError);
    expect(() => warehouse({ mergeIntervalUs: 0 })).toThrow(/warehouse\.mergeIntervalUs.*10000.*"mergeIntervalUs":0/);
    expect(() => warehouse({ mergeInterval: 5 })).toThrow(/mergeInterval.*Parameters: mergeIntervalUs/);
    expect(() => warehouse([1])).toThrow(UsageError);
  });
});

async function withServing<T>(world: World, use: (plane: Plane) => Promise<T>): Promise<T> {
  const serving = startRole(world, 'serving');
  try {
    return await use((await serving.serving) as Plane);
  } finally {
    await serving.stop();
  }
}

async function backfill(world: World): Promise<void> {
  const loader = startRole(world, 'loader', { params: quick });
  const { backfill: load } = (await loader.serving) as Plane;
  const { rows, filesByReference } = await load({ files: historyFiles(world.traceDirectory) });
  expect(rows).toBe(world.info.history.facts + world.contract.customers);
  expect(filesByReference).toBe(0);
  await loader.stop();
}

const allKeys = (world: World) => world.truth.lastSeqs.map((_, customer) => String(customer));

/** Each row is that of its own (lastSeq, asOfUs). */
async function expectRight(world: World, rows: readonly FeatureRow[]): Promise<void> {
  const expected = await world.oracle.evaluate(
    rows.map(({ key, lastSeq, asOfUs }) => ({ customer: Number(key), lastSeq, asOfUs })),
  );
  expect(rows.map(({ features }) => features)).toEqual(expected);
}

/** Runs loaders, one after the other dies, until the rows show the whole trace. */
async function drain(world: World, trouble: () => Trouble = () => null): Promise<{ deaths: number }> {
  let deaths = 0;
  await withServing(world, async (plane) => {
    for (;;) {
      const loader = startRole(world, 'loader', { params: quick, ports: troubledPorts(world.ports, trouble) });
      const ended = await Promise.race([loader.ended, visible(world, plane)]);
      await loader.stop();
      if (ended === 'all') return;
      if (!(ended instanceof Death)) throw ended;
      deaths++;
    }
  });
  return { deaths };
}

/** Every start of a loader records what it writes: these rows are left out. */
async function inventoryOfData(plane: Plane): Promise<Inventory> {
  const [inventory, events] = [await plane.inventory(), await plane.lineage()];
  return { ...inventory, rows: inventory.rows - events.length };
}

/** Resolves when every row shows the customer's last change; what is read on the way is right too. */
async function visible(world: World, plane: Plane): Promise<'all'> {
  for (;;) {
    const rows = await plane.lookup({ keys: allKeys(world) });
    await expectRight(world, rows);
    if (rows.every(({ lastSeq }, customer) => lastSeq === world.truth.lastSeqs[customer])) return 'all';
    await world.clock.sleep(20_000);
  }
}

async function collect<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const rows: T[] = [];
  for await (const page of pages) rows.push(...page);
  return rows;
}

async function expectTables(world: World): Promise<void> {
  const { truth } = world;
  await withServing(world, async (plane) => {
    const held = await collect(plane.exportChanges());
    expect(held.map(({ customer, seq }) => `${customer}/${seq}`).sort()).toEqual(truth.sound);
    const refused = await collect(plane.quarantine());
    expect(refused.map(({ customer, seq }) => `${customer}/${seq}`).sort()).toEqual(truth.refused);
    for (const { customer, seq, reason } of refused) expect(truth.reasons.get(`${customer}/${seq}`)).toContain(reason);
  });
}

describe('the warehouse in quiet times', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(11);
  });
  afterAll(() => world.close());

  it('serves zeros for a customer of whom it knows nothing, and refuses what is no key', async () => {
    await backfill(world);
    await withServing(world, async (plane) => {
      const [row] = await plane.lookup({ keys: ['999999'] });
      expect(row).toMatchObject({
        key: '999999',
        lastSeq: 0,
        features: [...new Array(9).fill(0), null, null, null, null],
      });
      const [prediction] = await plane.predict({ keys: ['999999'] });
      expect(prediction).toMatchObject({ key: '999999', lastSeq: 0, score: predict(row!.features), modelVersion: 1 });
      for (const key of ['', '-1', 'x', '1.5']) await expect(plane.lookup({ keys: [key] })).rejects.toThrow(/decimal/);
    });
  });

  it('shows history after a backfill, and after a second one the same', async () => {
    const inventory = () => withServing(world, inventoryOfData);
    await backfill(world);
    const before = await inventory();
    expect(before.rows).toBe(world.info.history.facts + world.contract.customers);
    expect(before.files).toBeGreaterThan(0);
    await backfill(world);
    expect((await inventory()).rows).toBe(before.rows);
    await withServing(world, async (plane) => {
      const rows = await plane.lookup({ keys: allKeys(world) });
      await expectRight(world, rows);
      expect(rows.some(({ features }) => features[2]! > 0)).toBe(true);
    });
  });

  it('takes the whole log: each change once in the tables, refused ones with a reason, rows as the oracle has them', async () => {
    const halfway = Math.floor(world.entries / 2);
    await world.append(0, halfway);
    const appending = world.append(halfway, world.entries);
    await drain(world);
    await appending;
    await expectTables(world);
  });

  it('predicts what the model says of the rows it serves', async () => {
    await withServing(world, async (plane) => {
      const keys = allKeys(world);
      const [rows, predictions] = [await plane.lookup({ keys }), await plane.predict({ keys })];
      expect(predictions.map(({ key, score }) => [key, score])).toEqual(
        rows.map(({ key, features }) => [key, predict(features)]),
      );
    });
  });

  it('stores no e-mail address and no telephone number', async () => {
    expect(world.info.personalSamples.length).toBeGreaterThan(10);
    const files = await readdir(world.warehouseDirectory, { recursive: true, withFileTypes: true });
    const stored = await Promise.all(
      files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name))),
    );
    expect(stored.length).toBeGreaterThan(0);
    for (const sample of world.info.personalSamples) {
      for (const bytes of stored) expect(bytes.includes(sample)).toBe(false);
    }
    // Texts in a database file may be compressed, so the columns are read as well.
    for (const table of ['history_customers', changesTable]) {
      let tokens = 0;
      for await (const { rows, columns } of world.ports.warehouse.scan(table, ['email_token', 'phone_token'])) {
        for (const column of Object.values(columns)) {
          for (let i = 0; i < rows; i++) {
            if (column[i] === null) continue;
            expect(column[i]).toMatch(/^[0-9a-f]{32}$/);
            tokens++;
          }
        }
      }
      expect(tokens).toBeGreaterThan(0);
    }
  });
});

describe('the warehouse in trouble', () => {
  it.each([21, 22])('loses and doubles nothing when its loader dies and calls fail at random (%i)', async (seed) => {
    const world = await openWorld(seed);
    try {
      const random = seededRandom(seed);
      const kinds: Trouble[] = ['death before', 'death after', 'failed', 'indeterminate'];
      const trouble = () => (random.below(12) === 0 ? kinds[random.below(kinds.length)]! : null);
      await backfill(world);
      let deaths = 0;
      for (let part = 0; part < 4; part++) {
        const [from, to] = [part, part + 1].map((n) => Math.floor((n * world.entries) / 4)) as [number, number];
        await world.append(from, to);
        if (part === 3) deaths += (await drain(world, trouble)).deaths;
        else deaths += await dieAFewTimes(world, trouble);
      }
      expect(deaths).toBeGreaterThan(3);
      await expectTables(world);
    } finally {
      await world.close();
    }
  });

  async function dieAFewTimes(world: World, trouble: () => Trouble): Promise<number> {
    for (let deaths = 0; deaths < 3; deaths++) {
      const loader = startRole(world, 'loader', { params: quick, ports: troubledPorts(world.ports, trouble) });
      const ended = await loader.ended;
      if (!(ended instanceof Death)) throw ended;
    }
    return 3;
  }

  it('goes on when the server of the warehouse is killed and comes back', async () => {
    const world = await openWorld(31);
    try {
      await backfill(world);
      const loader = startRole(world, 'loader', { params: quick });
      await loader.serving;
      for (let part = 0; part < 3; part++) {
        await world.append(Math.floor((part * world.entries) / 3), Math.floor(((part + 1) * world.entries) / 3));
        await world.killWarehouse();
      }
      await loader.stop();
      await drain(world);
      await expectTables(world);
    } finally {
      await world.close();
    }
  });

  it('loads history, and shows it, while the change log is away', async () => {
    const world = await openWorld(37);
    try {
      const read = async () => {
        throw new CallError('failed', 'the change log is away');
      };
      const changeLog = Object.assign(Object.create(world.ports.changeLog), { read });
      const loader = startRole(world, 'loader', { params: quick, ports: { ...world.ports, changeLog } });
      const { backfill: load } = (await loader.serving) as Plane;
      await load({ files: historyFiles(world.traceDirectory) });
      await withServing(world, async (plane) => expectRight(world, await plane.lookup({ keys: allKeys(world) })));
      await loader.stop();
      await world.append(0, world.entries);
      await drain(world);
      await expectTables(world);
    } finally {
      await world.close();
    }
  });

  it('pauses by the failures in a row, not by all there ever were', async () => {
    const world = await openWorld(41);
    try {
      let merges = 0;
      const merge: World['ports']['warehouse']['merge'] = async (spec) => {
        if (merges++ % 2 === 1) throw new CallError('failed', 'by the test');
        return world.ports.warehouse.merge(spec);
      };
      let longestUs = 0;
      const sleep: World['clock']['sleep'] = (us, signal) => {
        longestUs = Math.max(longestUs, us);
        return world.clock.sleep(us, signal);
      };
      const ports = { ...world.ports, warehouse: { ...world.ports.warehouse, merge } };
      const loader = startRole({ ...world, ports, clock: { ...world.clock, sleep } }, 'loader', { params: quick });
      await loader.serving;
      while (merges < 30) await world.clock.sleep(5_000);
      await loader.stop();
      // The first pause is at most this; the eighth may be a hundred times as long.
      expect(longestUs).toBeLessThanOrEqual(1_000 + 10_000);
    } finally {
      await world.close();
    }
  });

  it('stages nothing twice when a loader that was replaced goes on beside its successor', async () => {
    const world = await openWorld(51);
    try {
      await backfill(world);
      const zombie = startRole(world, 'loader', { params: quick });
      await zombie.serving;
      await world.append(0, world.entries);
      await drain(world);
      await zombie.stop();
      // Not by itself: it went on from where its successor was.
      expect(String(await zombie.ended)).toMatch(/stopped/);
      await expectTables(world);
    } finally {
      await world.close();
    }
  });

  it('takes up a backfill that died in the middle', async () => {
    const customers = 45_000; // several batches of them
    const world = await openWorld(41, customers);
    try {
      for (let calls = 16; calls < 32; calls++) {
        let left = calls;
        const ports = troubledPorts(world.ports, () => (left-- === 0 ? 'death after' : null));
        const loader = startRole(world, 'loader', { params: quick, ports });
        const load = async () => {
          const { backfill: begin } = await loader.serving;
          await begin!({ files: historyFiles(world.traceDirectory) });
        };
        await Promise.race([loader.ended, load().catch(() => {})]);
        await loader.stop();
      }
      await backfill(world);
      await withServing(world, async (plane) => {
        expect((await inventoryOfData(plane)).rows).toBe(world.info.history.facts + customers);
        await expectRight(world, await plane.lookup({ keys: allKeys(world).slice(0, 500) }));
      });
    } finally {
      await world.close();
    }
  });
});
