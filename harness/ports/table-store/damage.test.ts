/** Data files that are not as the log says: errors name table, version and file, and nothing is written. */
import { mkdtempSync } from 'node:fs';
import { copyFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dayUs } from '../../../workloads/durations.js';
import { type Clock, hostClock } from '../../clock.js';
import type { Schema } from '../columns.js';
import { localObjects } from './delta/local-objects.js';
import { deltaTableStore } from './delta-table-store.js';
import { openTableStore } from './embedded.js';
import type { TableStore } from './port.js';

const schema: Schema = [
  { name: 'entity', type: 'int', nullable: false },
  { name: 'lsn', type: 'int', nullable: false },
  { name: 'op', type: 'text', nullable: false },
];
const sizes = { smallFileBytes: 1e6, targetFileBytes: 1e6 };

let directory: string;
let store: TableStore;
let nowUs: number;
const clock: Clock = { ...hostClock, nowUs: () => nowUs };
beforeEach(async () => {
  nowUs = 1_700_000_000_000_000;
  directory = mkdtempSync(join(tmpdir(), 'planebench-damage-'));
  store = openTableStore({ directory, clock });
  await store.create('t', schema);
  await append('t', 1);
  await append('t', 2);
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

const batch = (entity: number) => ({ rows: 1, columns: { entity: [entity], lsn: [entity], op: ['c'] } });
const append = (table: string, entity: number) => store.append(table, batch(entity), []);

/** Every operation that reads the damaged file, by a client that has not seen it whole; expects the same of each. */
async function expectRefused(reason: RegExp): Promise<void> {
  await store.create('into', schema);
  const before = await everythingIn();
  const late = openTableStore({ directory, clock });
  const fold = { from: 't', into: 'into', key: ['entity'], order: 'lsn', deletion: { column: 'op', value: 'd' } };
  const snapshot = await late.snapshot('t');
  for (const work of [
    async () => {
      for await (const _ of late.scan(snapshot, { columns: ['entity'] }));
    },
    () => late.compact('t', sizes),
    () => late.upsert('t', batch(1), { key: ['entity'], txns: [] }),
    () => late.fold(fold),
  ]) {
    await expect(work()).rejects.toThrow(reason);
  }
  await late.close();
  expect(await everythingIn()).toEqual(before);
}

async function everythingIn(): Promise<string[]> {
  return (await readdir(directory, { recursive: true })).sort();
}

async function firstFile(): Promise<{ readonly name: string; readonly path: string }> {
  const name = (await store.snapshot('t')).files[0]!.path;
  return { name, path: join(directory, 't', name) };
}

test('a data file that is missing', async () => {
  const { name, path } = await firstFile();
  await rm(path);
  await expectRefused(new RegExp(`Table t, version 2: data file ${name} is missing`));
});

test('a data file of another schema', async () => {
  const { name, path } = await firstFile();
  const other: Schema = [schema[0]!, { name: 'lsn', type: 'text', nullable: false }, schema[2]!];
  await store.create('u', other);
  await store.append('u', { rows: 1, columns: { entity: [1], lsn: ['one'], op: ['c'] } }, []);
  await copyFile(join(directory, 'u', (await store.snapshot('u')).files[0]!.path), path);
  await expectRefused(new RegExp(`Table t, version 2: data file ${name} .*has lsn as VARCHAR; expected BIGINT`));
  const fewer: Schema = schema.slice(0, 2);
  await store.create('v', fewer);
  await store.append('v', { rows: 1, columns: { entity: [1], lsn: [1] } }, []);
  await copyFile(join(directory, 'v', (await store.snapshot('v')).files[0]!.path), path);
  await expectRefused(new RegExp(`Table t, version 2: data file ${name} .*has no column op, which is not nullable`));
});

test('a data file that was cut short, or is none', async () => {
  const { name, path } = await firstFile();
  await truncate(path, (await stat(path)).size - 10);
  await expectRefused(new RegExp(`Table t, version 2: data file ${name} cannot be read as Parquet`));
  await writeFile(path, 'something else');
  await expectRefused(new RegExp(`Table t, version 2: data file ${name} cannot be read as Parquet`));
});

test('Parquet of others with another schema is refused by the name of its file', async () => {
  const { path } = await firstFile();
  const read = async (wanted: Schema) => {
    for await (const _ of store.readParquet(path, wanted));
  };
  await expect(read([{ name: 'price', type: 'int', nullable: true }])).rejects.toThrow(
    new RegExp(`${path} has no column price; it has entity, lsn, op`),
  );
  await expect(read([{ name: 'op', type: 'int', nullable: true }])).rejects.toThrow(
    new RegExp(`${path}: column op is VARCHAR; expected BIGINT`),
  );
  await expect(read([{ name: 'entity', type: 'int', nullable: false }])).resolves.toBeUndefined();
  await expect(
    (async () => {
      for await (const _ of store.readParquet(`${path}x`, schema));
    })(),
  ).rejects.toThrow(/parquetx cannot be read as Parquet: .*No files found/);
});

test('of two upserts the later one starts again if the other wrote a key of its own, and goes on if not', async () => {
  let overtake: (() => Promise<unknown>) | null = null;
  let puts = 0;
  const objects = localObjects(directory);
  const slow = deltaTableStore({
    objects: {
      ...objects,
      async putIfAbsent(path, text) {
        const first = overtake;
        overtake = null;
        await first?.();
        puts++;
        return objects.putIfAbsent(path, text);
      },
      async publish(staged, path) {
        published++;
        return objects.publish(staged, path);
      },
    },
    clock,
    threads: 1,
  });
  let published = 0;
  const upsert = (by: TableStore, entity: number, lsn: number) =>
    by.upsert('t', { rows: 1, columns: { entity: [entity], lsn: [lsn], op: ['u'] } }, { key: ['entity'], txns: [] });
  overtake = () => upsert(store, 1, 10);
  await upsert(slow, 1, 11);
  expect(published).toBe(2);
  // Another file and another key: what was written is right as it is, only the commit is put again.
  overtake = () => upsert(store, 2, 20);
  published = 0;
  puts = 0;
  await upsert(slow, 1, 12);
  expect([published, puts]).toEqual([1, 2]);
  // Rows that were appended may be of the key.
  overtake = () => append('t', 1);
  published = 0;
  await upsert(slow, 1, 13);
  expect(published).toBe(2);
  await slow.close();
  const found: string[] = [];
  for await (const { rows, columns } of store.scan(await store.snapshot('t'), { columns: ['entity', 'lsn'] })) {
    for (let i = 0; i < rows; i++) found.push(`${columns.entity![i]}@${columns.lsn![i]}`);
  }
  expect(found.sort()).toEqual(['1@13', '2@20']);
  const known = new Set<string>();
  const { version } = await store.snapshot('t');
  for (let v = 0; v <= version; v++) for (const { path } of (await store.snapshot('t', v)).files) known.add(path);
  const there = (await readdir(join(directory, 't'))).filter((name) => name.endsWith('.parquet'));
  expect(there.filter((name) => !known.has(name))).toEqual([]);
});

test('a file that may be on its way into a version is deleted when it was seen for the retention, whatever time its name tells', async () => {
  const [name] = (await readdir(join(directory, 't'))).filter((one) => one.endsWith('.parquet')) as [string];
  const anHourOld = name.replace(/\d{16}-.{8}/, `${nowUs - 3_600_000_000}-00000000`);
  await copyFile(join(directory, 't', name), join(directory, 't', anHourOld));
  const deleted = async () => (await store.vacuum('t', { retainUs: 1_000_000 })).deletedFiles;
  expect([await deleted(), await deleted()]).toEqual([0, 0]);
  nowUs += 999_999;
  expect(await deleted()).toBe(0);
  nowUs += 1;
  expect([await deleted(), await deleted()]).toEqual([1, 0]);
  expect((await readdir(join(directory, 't'))).includes(name)).toBe(true);
});

test('files are not kept longer than the table remembers that they left it', async () => {
  await expect(store.vacuum('t', { retainUs: 8 * dayUs })).rejects.toThrow(/raise delta\.deletedFileRetentionDuration/);
});

test('a pinned version survives the clean-up of the log too', async () => {
  await store.pin('t', 'kept', 1);
  for (let entity = 3; entity < 110; entity++)
    await store.append('t', { rows: 0, columns: {} }, [{ appId: 'a', version: entity }]);
  nowUs += 60 * dayUs;
  await append('t', 200);
  await store.vacuum('t', { retainUs: 0 });
  const late = openTableStore({ directory, clock });
  expect((await late.snapshot('t', { pin: 'kept' })).files.length).toBe(1);
  await late.unpin('t', 'kept');
  await late.vacuum('t', { retainUs: 0 });
  await expect(late.snapshot('t', 1)).rejects.toThrow(/Table t: version 1 was cleaned up; the earliest/);
  await late.close();
});

/** A store of another process, held after it first asked for `request` of this place until the vacuums of others are through. */
function heldAfter(request: 'publish' | 'list', isPlace: (...given: unknown[]) => boolean): TableStore {
  const objects = localObjects(directory);
  let isHeld = false;
  const held = {
    ...objects,
    async [request](...given: never[]) {
      const answer = await (objects[request] as (...all: never[]) => Promise<unknown>)(...given);
      if (isHeld || !isPlace(...given)) return answer;
      isHeld = true;
      for (let round = 0; round < 3; round++) {
        nowUs += 60_000_000;
        await store.vacuum('t', { retainUs: 30_000_000 });
      }
      return answer;
    },
  };
  return deltaTableStore({ objects: held, clock, threads: 1 });
}

const readAll = async () => {
  let found = 0;
  for await (const { rows } of store.scan(await store.snapshot('t'), { columns: ['entity'] })) found += rows;
  return found;
};

test('a writer that was held for so long that its file was vacuumed commits nothing, and can do it again', async () => {
  const late = heldAfter('publish', () => true);
  const rejected = expect(late.append('t', batch(3), [])).rejects;
  await rejected.toMatchObject({
    outcome: 'failed',
    message: expect.stringMatching(
      /^Table t: 1 of 1 files were vacuumed before they were committed, part-\S+ among them/,
    ),
  });
  expect(await readAll()).toBe(2);
  await late.append('t', batch(3), []);
  expect(await readAll()).toBe(3);
  await late.close();
});

/** A store of another process, of which the first put of a version to the table waits for `work`. */
function puttingAfter(work: () => Promise<unknown>): TableStore {
  const objects = localObjects(directory);
  let isFirst = true;
  const putIfAbsent = async (path: string, text: string) => {
    if (isFirst) {
      isFirst = false;
      await work();
    }
    return objects.putIfAbsent(path, text);
  };
  return deltaTableStore({ objects: { ...objects, putIfAbsent }, clock, threads: 1 });
}

const vacuumAnHourOn = async (by: TableStore): Promise<number> => {
  nowUs += 3_600_000_000;
  return (await by.vacuum('t', { retainUs: 30_000_000 })).deletedFiles;
};

test('a writer that was held just before it put its version commits no file that was vacuumed', async () => {
  let deleted = 0;
  const late = puttingAfter(async () => {
    for (let round = 0; round < 3; round++) deleted += await vacuumAnHourOn(store);
  });
  await expect(late.append('t', batch(3), [])).rejects.toMatchObject({ outcome: 'failed' });
  expect(deleted).toBe(1);
  expect(await readAll()).toBe(2);
  await late.append('t', batch(3), []);
  expect(await readAll()).toBe(3);
  await late.close();
});

test('a vacuum that was held just before it condemned a file does not take it if it was committed meanwhile', async () => {
  let commit: () => void = () => {};
  const mayCommit = new Promise<void>((resolve) => {
    commit = resolve;
  });
  let appended: Promise<unknown> = Promise.resolve();
  const isPutting = new Promise<void>((resolve) => {
    const late = puttingAfter(() => {
      resolve();
      return mayCommit;
    });
    appended = late.append('t', batch(3), []).then(() => late.close());
  });
  await isPutting;
  const held = puttingAfter(() => {
    commit();
    return appended;
  });
  expect([await vacuumAnHourOn(held), await vacuumAnHourOn(held), await vacuumAnHourOn(held)]).toEqual([0, 0, 0]);
  expect(await readAll()).toBe(3);
  await held.close();
});

test('a restore that was held until the files of the old version were vacuumed commits nothing', async () => {
  await store.compact('t', sizes);
  const late = heldAfter('list', (folder) => folder === 't');
  await expect(late.restore('t', 2)).rejects.toMatchObject({ outcome: 'failed' });
  expect(await readAll()).toBe(2);
  await late.close();
});
