/**
 * A store that fails in the middle of an append, a fold, a compaction, a tiering, a vacuum or a clean-up of the log, at every single
 * request, loses nothing that was committed; and a disk that is really full.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Clock, hostClock } from '../../clock.js';
import { CallError } from '../../errors.js';
import { localObjects } from './delta/local-objects.js';
import type { Found, ObjectStore } from './delta/object-store.js';
import { deltaTableStore } from './delta-table-store.js';
import { schema, spec } from './fold.fixture.js';
import type { TableStore } from './port.js';

let directory: string;
let nowUs: number;
const clock: Clock = { ...hostClock, nowUs: () => nowUs };
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'planebench-full-'));
  nowUs = 1e12;
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const storeOn = (objects: ObjectStore) => deltaTableStore({ objects, clock, threads: 1 });

/** Rows `first` to `last`, each a change of an entity, in one commit. */
const append = (store: TableStore, first: number, last: number) => {
  const lsn = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const columns = { entity: lsn.map((n) => n % 7), lsn, op: lsn.map((n) => (n % 5 ? 'c' : 'd')) };
  return store.append('changes', { rows: lsn.length, columns }, [{ appId: 'app', version: last }]);
};

async function lsnIn(store: TableStore, table: string, version?: number): Promise<number[]> {
  const found: number[] = [];
  const snapshot = await store.snapshot(table, version);
  for await (const { columns } of store.scan(snapshot, { columns: ['lsn'] })) found.push(...(columns.lsn as number[]));
  return found.sort((a, b) => a - b);
}

/** What the changes up to `lsn` come to. */
function folded(lsn: number): number[] {
  const latest = new Map(Array.from({ length: lsn }, (_, i) => [(i + 1) % 7, i + 1]));
  return [...latest.values()].filter((n) => n % 5).sort((a, b) => a - b);
}

const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

/** The requests that change what is stored, of which the one with number `failing` fails; null: none does. */
function failingAt(
  objects: ObjectStore,
  failing: number | null,
  when: 'before' | 'after',
): ObjectStore & { armed: boolean; asked: number } {
  let full = false;
  const change = async <T>(request: () => Promise<T>): Promise<T> => {
    if (!store.armed) return request();
    // A disk that is full once stays so, until somebody makes room.
    if (full) throw new CallError('failed', 'ENOSPC: no space left on device');
    full = store.asked++ === failing;
    if (!full) return request();
    if (when === 'before') throw new CallError('failed', 'ENOSPC: no space left on device');
    await request();
    throw new Error('EIO: whether it was written is not known');
  };
  const store = {
    ...objects,
    armed: false,
    asked: 0,
    putIfAbsent: (path: string, text: string) => change(() => objects.putIfAbsent(path, text)),
    put: (path: string, text: string) => change(() => objects.put(path, text)),
    publish: (staged: string, path: string, found?: Found) => change(() => objects.publish(staged, path, found)),
    stage: () => change(() => objects.stage()),
    delete: (path: string) => change(() => objects.delete(path)),
  };
  return store;
}

/** Operations, each on tables that the ones before have left, with what the tables hold afterwards. */
const operations: Readonly<Record<string, (store: TableStore) => Promise<unknown>>> = {
  append: (store) => append(store, 41, 50),
  fold: (store) => store.fold(spec),
  compaction: (store) => store.compact('changes', { smallFileBytes: 1e6, targetFileBytes: 1e6 }),
  tiering: (store) => store.tier('changes', { warmAfterUs: 1, coldAfterUs: 1, targetFileBytes: 1e6 }),
  vacuum: (store) => store.vacuum('changes', { retainUs: 0 }),
};

describe.each(Object.keys(operations))('%s', (name) => {
  const operation = operations[name]!;

  test.each(['before', 'after'] as const)(
    'with a failure %s each request takes effect',
    async (when) => {
      process.on('warning', () => {});
      const origin = join(directory, 'origin');
      const first = storeOn(localObjects(origin));
      await first.create('changes', schema);
      await first.create('current', schema);
      // The next commit of `changes` is one that a checkpoint follows.
      for (let i = 1; i <= 4; i++) await append(first, 10 * i - 9, 10 * i);
      await first.fold(spec);
      for (let i = 5; i < 50; i++)
        await first.append('changes', { rows: 0, columns: {} }, [{ appId: 'other', version: i }]);
      if (name !== 'append') await append(first, 41, 50);
      // Else the vacuum would take files that the fold has not read.
      const foldedRows = name === 'vacuum' ? 50 : 40;
      if (name === 'vacuum') await first.fold(spec);
      if (name === 'vacuum') await operations.compaction!(first);
      await first.close();
      nowUs += 1e6;

      let requests = 0;
      for (let failing = 0; failing <= requests; failing++) {
        const copy = join(directory, `${when}-${failing}`);
        await cp(origin, copy, { recursive: true });
        const objects = failingAt(localObjects(copy), failing, when);
        const broken = storeOn(objects);
        const before = {
          changes: (await broken.snapshot('changes')).version,
          rows: await lsnIn(broken, 'changes'),
          current: (await broken.snapshot('current')).version,
        };
        objects.armed = true;
        const outcome = await operation(broken).then(
          () => 'done',
          (error: unknown) => error,
        );
        await broken.close();
        requests = Math.max(requests, objects.asked);
        if (outcome !== 'done') expect(outcome).toBeInstanceOf(Error);

        const healthy = storeOn(localObjects(copy));
        const rows = await lsnIn(healthy, 'changes');
        if (name === 'append') {
          const all = [upTo(50), upTo(40)];
          expect(all).toContainEqual(rows);
          if (outcome === 'done') expect(rows).toEqual(upTo(50));
          if (outcome instanceof CallError && outcome.outcome === 'failed') expect(rows).toEqual(upTo(40));
        } else expect(rows).toEqual(before.rows);
        // What was there before can be read as it was, unless a vacuum has taken it; what failed can be done again.
        if (name !== 'vacuum') expect(await lsnIn(healthy, 'changes', before.changes)).toEqual(before.rows);
        expect(await lsnIn(healthy, 'current', before.current)).toEqual(folded(foldedRows));
        await operation(healthy);
        expect(await lsnIn(healthy, 'changes')).toEqual(upTo(50));
        await healthy.fold(spec);
        expect(await lsnIn(healthy, 'current')).toEqual(folded(50));
        await healthy.close();
        await rm(copy, { recursive: true });
      }
      expect(requests).toBeGreaterThan(name === 'vacuum' ? 4 : 2);
    },
    300_000,
  );
});

const mounted = mkdtempSync(join(tmpdir(), 'planebench-tmpfs-'));
const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mounted], { encoding: 'utf8' });
if (mount.status === 0) spawnSync('umount', [mounted]);
await rm(mounted, { recursive: true, force: true });
const refusal = mount.status === 0 ? '' : ` (skipped: ${(mount.error?.message ?? mount.stderr).trim()})`;

test('a full disk keeps nobody from reading a table whose reads decide its tiers', async () => {
  const objects = failingAt(localObjects(directory), 0, 'before');
  const store = storeOn(objects);
  await store.create('changes', schema);
  await append(store, 1, 40);
  await store.tier('changes', { warmAfterUs: 1e9, coldAfterUs: 2e9, targetFileBytes: 1e6 });
  objects.armed = true;
  expect(await lsnIn(store, 'changes')).toEqual(upTo(40));
  // That it was read is told as soon as there is room.
  expect(objects.asked).toBe(1);
  objects.armed = false;
  expect(await lsnIn(store, 'changes')).toEqual(upTo(40));
  expect(await localObjects(directory).list('changes/_reads')).toHaveLength(1);
  await store.close();
});

test.skipIf(refusal !== '')(`a disk of 1 MiB that fills up${refusal}`, async () => {
  expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory]).status).toBe(0);
  try {
    const store = storeOn(localObjects(directory));
    await store.create('changes', schema);
    await store.create('current', schema);
    let acknowledged = 0;
    let refused: unknown = null;
    while (refused === null) {
      await append(store, acknowledged + 1, acknowledged + 200).then(
        () => {
          acknowledged += 200;
        },
        (error: unknown) => {
          refused = error;
        },
      );
    }
    expect(refused).toMatchObject({
      outcome: 'failed',
      message: expect.stringMatching(/Table changes: .*(No space|ENOSPC)/),
    });
    expect(acknowledged).toBeGreaterThan(2_000);
    const failed: string[] = [];
    for (const name of ['fold', 'compaction', 'append']) {
      if (name === 'append') await append(store, acknowledged + 1, acknowledged + 5_000).catch(() => failed.push(name));
      else await operations[name]!(store).catch(() => failed.push(name));
      expect(await lsnIn(store, 'changes')).toEqual(upTo(acknowledged));
    }
    expect(failed).toContain('append');
    // An operator makes room, and everything goes on.
    expect(spawnSync('mount', ['-o', 'remount,size=8m', directory]).status).toBe(0);
    await append(store, acknowledged + 1, acknowledged + 200);
    await operations.compaction!(store);
    await store.fold(spec);
    nowUs += 1e6;
    expect((await store.vacuum('changes', { retainUs: 0 })).deletedFiles).toBeGreaterThan(10);
    await store.close();
    const next = storeOn(localObjects(directory));
    expect(await lsnIn(next, 'changes')).toEqual(upTo(acknowledged + 200));
    expect(await lsnIn(next, 'current')).toEqual(folded(acknowledged + 200));
    await next.close();
  } finally {
    spawnSync('umount', ['-l', directory]);
  }
});
