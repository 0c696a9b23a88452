/** Another writer comes first, at the last moment: after the work was done, before its commit is put. */
import { mkdtempSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hostClock } from '../../clock.js';
import { CallError } from '../../errors.js';
import { localObjects } from './delta/local-objects.js';
import { deltaTableStore } from './delta-table-store.js';
import { openTableStore } from './embedded.js';
import { schema, sizes, spec } from './fold.fixture.js';
import type { TableStore } from './port.js';

let directory: string;
/** Comes first. */
let other: TableStore;
/** Is overtaken: `overtake` runs before its next put of a commit to a table, once. */
let store: TableStore;
let overtake: { readonly table: string; run(): Promise<unknown> } | null;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'planebench-conflicts-'));
  overtake = null;
  const objects = localObjects(directory);
  store = deltaTableStore({
    objects: {
      ...objects,
      async putIfAbsent(path, text) {
        const first = path.startsWith(`${overtake?.table}/`) ? overtake : null;
        if (first) overtake = null;
        await first?.run();
        return objects.putIfAbsent(path, text);
      },
    },
    clock: hostClock,
    threads: 1,
  });
  other = openTableStore({ directory, clock: hostClock });
  await store.create('changes', schema);
  await store.create('current', schema);
});
afterEach(async () => {
  await store.close();
  await other.close();
  await rm(directory, { recursive: true, force: true });
});

const append = (by: TableStore, table: string, rows: readonly (readonly [number, number, string])[], txn?: number) =>
  by.append(
    table,
    {
      rows: rows.length,
      columns: { entity: rows.map((r) => r[0]), lsn: rows.map((r) => r[1]), op: rows.map((r) => r[2]) },
    },
    txn === undefined ? [] : [{ appId: 'app', version: txn }],
  );

async function rowsIn(table: string): Promise<string[]> {
  const rows: string[] = [];
  for await (const batch of other.scan(await other.snapshot(table), { columns: ['entity', 'lsn'] })) {
    for (let i = 0; i < batch.rows; i++) rows.push(`${batch.columns.entity?.[i]}@${batch.columns.lsn?.[i]}`);
  }
  return rows.sort();
}

/** Every data file on the disk is in the table or was: what lost a race was taken back. */
async function expectNoOrphans(table: string): Promise<void> {
  const known = new Set<string>();
  const { version } = await other.snapshot(table);
  for (let v = 0; v <= version; v++) for (const { path } of (await other.snapshot(table, v)).files) known.add(path);
  const there = (await readdir(join(directory, table))).filter((name) => name.endsWith('.parquet'));
  expect(there.filter((name) => !known.has(name))).toEqual([]);
}

test('an append goes on behind another append', async () => {
  overtake = { table: 'changes', run: () => append(other, 'changes', [[1, 1, 'c']], 1) };
  expect(await append(store, 'changes', [[2, 2, 'c']], 2)).toEqual({ committed: true, version: 2 });
  expect(await rowsIn('changes')).toEqual(['1@1', '2@2']);
});

test('an append whose transaction was recorded meanwhile is not committed', async () => {
  overtake = { table: 'changes', run: () => append(other, 'changes', [[1, 1, 'c']], 1) };
  expect(await append(store, 'changes', [[1, 1, 'c']], 1)).toEqual({ committed: false, version: 1 });
  expect(await rowsIn('changes')).toEqual(['1@1']);
  await expectNoOrphans('changes');
});

test('a compaction gives up when another took its files, and goes on behind an append', async () => {
  for (const i of [1, 2, 3]) await append(store, 'changes', [[i, i, 'c']]);
  overtake = { table: 'changes', run: () => append(other, 'changes', [[4, 4, 'c']]) };
  expect((await store.compact('changes', sizes)).filesAfter).toBe(1);
  expect((await other.snapshot('changes')).files.length).toBe(2);
  overtake = { table: 'changes', run: () => other.compact('changes', sizes) };
  expect(await store.compact('changes', sizes)).toEqual({ filesBefore: 2, filesAfter: 2 });
  expect(await rowsIn('changes')).toEqual(['1@1', '2@2', '3@3', '4@4']);
  await expectNoOrphans('changes');
});

test('a fold that another fold overtook folds nothing twice', async () => {
  await append(store, 'changes', [[1, 1, 'c']]);
  overtake = { table: 'current', run: () => other.fold(spec) };
  expect(await store.fold(spec)).toEqual({ foldedRows: 0, version: 1 });
  expect(await rowsIn('current')).toEqual(['1@1']);
  await expectNoOrphans('current');
});

test('a fold that another overtook folds nothing twice even if the other had nothing to write', async () => {
  await append(store, 'changes', [[1, 1, 'd']]);
  overtake = { table: 'current', run: () => other.fold(spec) };
  expect(await store.fold(spec)).toEqual({ foldedRows: 0, version: 1 });
  expect((await other.snapshot('current')).version).toBe(1);
});

test('a fold that an older fold overtook takes what that one left', async () => {
  await append(store, 'changes', [[1, 1, 'c']]);
  overtake = {
    table: 'current',
    run: async () => {
      await other.fold(spec);
      await append(other, 'changes', [
        [1, 2, 'd'],
        [2, 3, 'c'],
      ]);
    },
  };
  expect(await store.fold(spec)).toEqual({ foldedRows: 2, version: 2 });
  expect(await rowsIn('current')).toEqual(['2@3']);
});

test('a fold starts again when rows came into its table, or its files were merged', async () => {
  await append(store, 'changes', [[1, 1, 'c']]);
  overtake = { table: 'current', run: () => append(other, 'current', [[1, 0, 'c']]) };
  await store.fold(spec);
  expect(await rowsIn('current')).toEqual(['1@1']);
  await append(store, 'changes', [[2, 2, 'c']]);
  await store.fold(spec);
  await append(store, 'changes', [[1, 3, 'u']]);
  overtake = { table: 'current', run: () => other.compact('current', sizes) };
  await store.fold(spec);
  expect(await rowsIn('current')).toEqual(['1@3', '2@2']);
  await expectNoOrphans('current');
});

test('a commit of unknown outcome keeps its data file, and its repetition finds out', async () => {
  const objects = localObjects(directory);
  const unsure = deltaTableStore({
    objects: {
      ...objects,
      async putIfAbsent(path, text) {
        if (!(await objects.putIfAbsent(path, text))) return false;
        throw new CallError('indeterminate', 'the answer was lost');
      },
    },
    clock: hostClock,
    threads: 1,
  });
  await expect(append(unsure, 'changes', [[1, 1, 'c']], 1)).rejects.toMatchObject({ outcome: 'indeterminate' });
  expect(await append(unsure, 'changes', [[1, 1, 'c']], 1)).toEqual({ committed: false, version: 1 });
  expect(await rowsIn('changes')).toEqual(['1@1']);
  await unsure.close();
});

test('a data file that cannot be written fails the append, and nothing stays', async () => {
  const objects = localObjects(directory);
  const full = deltaTableStore({
    objects: { ...objects, publish: () => Promise.reject(new Error('ENOSPC: no space left on device')) },
    clock: hostClock,
    threads: 1,
  });
  await expect(append(full, 'changes', [[1, 1, 'c']], 1)).rejects.toMatchObject({
    outcome: 'failed',
    message: expect.stringMatching(/Table changes: a data file was not written: ENOSPC/),
  });
  expect(await rowsIn('changes')).toEqual([]);
  expect((await readdir(join(directory, '.staging'))).length).toBe(0);
  await full.close();
});
