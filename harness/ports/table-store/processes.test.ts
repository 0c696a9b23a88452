/** The table store shared by real processes, some of which are killed. */
import { mkdtempSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hostClock } from '../../clock.js';
import { type StartedChild, startChild } from '../../processes/child-process.js';
import { seededRandom } from '../../random.js';
import { openTableStore } from './embedded.js';
import type { TableStore } from './port.js';
import { type WriterInit, writerFold, writerSchema } from './writer-under-test.js';

let directory: string;
let store: TableStore;
let children: StartedChild[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'planebench-tables-'));
  store = openTableStore({ directory, clock: hostClock });
  children = [];
});
afterEach(async () => {
  for (const child of children) child.signal('SIGKILL');
  await Promise.all(children.map((child) => child.exited));
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

interface Acknowledged {
  readonly commit: number;
  readonly version: number;
}

function start(name: string, work: WriterInit['work']) {
  const child = startChild({
    name,
    module: new URL('./writer-process.js', import.meta.url),
    init: { directory, work } satisfies WriterInit,
    origin: { epochUs: 0, zeroNs: 0n },
  });
  children.push(child);
  const acknowledged: Acknowledged[] = [];
  let heard: () => void = () => {};
  const firstReport = new Promise<void>((resolve) => {
    heard = resolve;
  });
  child.onReport((kind, body) => {
    if (kind === 'acknowledged') acknowledged.push(body as Acknowledged);
    heard();
  });
  return { child, acknowledged, firstReport };
}

/** Rows of each commit of each writer, from the table. */
async function heldRows(): Promise<Map<string, number>> {
  const held = new Map<string, number>();
  const snapshot = await store.snapshot('changes');
  for await (const { rows, columns } of store.scan(snapshot, { columns: ['writer', 'commit'] })) {
    for (let i = 0; i < rows; i++) {
      const commit = `${columns.writer?.[i]} ${columns.commit?.[i]}`;
      held.set(commit, (held.get(commit) ?? 0) + 1);
    }
  }
  return held;
}

async function expectGaplessLog(table: string): Promise<void> {
  const names = (await readdir(join(directory, table, '_delta_log'))).filter((name) => name.endsWith('.json')).sort();
  expect(names).toEqual(names.map((_, version) => `${String(version).padStart(20, '0')}.json`));
  expect(names.length).toBe((await store.snapshot(table)).version + 1);
}

/** `current` against what the commits 1 to `commits` of each writer leave, by the definition of a fold. */
async function expectFolded(writers: readonly string[], commits: number, rows: number): Promise<void> {
  await store.fold(writerFold);
  const expected: string[] = [];
  for (const writer of writers) {
    const latest = new Map<number, number>();
    for (let commit = 1; commit <= commits; commit++) {
      for (let i = 0; i < rows; i++) latest.set((commit * 31 + i) % (3 * rows), commit);
    }
    for (const [entity, commit] of latest) if (commit % 5 !== 0) expected.push(`${writer} ${entity} ${commit}`);
  }
  const found: string[] = [];
  const snapshot = await store.snapshot('current');
  for await (const batch of store.scan(snapshot, { columns: ['writer', 'entity', 'commit'] })) {
    const { writer, entity, commit } = batch.columns;
    for (let i = 0; i < batch.rows; i++) found.push(`${writer?.[i]} ${entity?.[i]} ${commit?.[i]}`);
  }
  expect(found.sort()).toEqual(expected.sort());
}

test('a writer that is killed again and again loses no acknowledged commit, doubles none, shows none in part', async () => {
  const random = seededRandom(20_260_101);
  const rows = 200;
  const acknowledged: Acknowledged[] = [];
  for (let round = 0; round < 8; round++) {
    const writer = start(`writer ${round}`, { append: 'writer', commits: 1_000_000, rows });
    const recorded = (await writer.child.ready) as number;
    expect(recorded).toBeGreaterThanOrEqual(acknowledged.at(-1)?.commit ?? 0);
    await writer.firstReport;
    await hostClock.sleep(random.below(150_000));
    writer.child.signal('SIGKILL');
    expect((await writer.child.exited).signal).toBe('SIGKILL');
    acknowledged.push(...writer.acknowledged);
    const held = await heldRows();
    const commits = (await store.txns('changes')).get('writer') ?? 0;
    expect(held).toEqual(new Map(Array.from({ length: commits }, (_, i) => [`writer ${i + 1}`, rows])));
    expect(acknowledged.filter(({ commit }) => commit > commits)).toEqual([]);
    await expectGaplessLog('changes');
  }
  const versions = acknowledged.map(({ version }) => version);
  expect(new Set(versions).size).toBe(versions.length);
  await expectFolded(['writer'], (await store.txns('changes')).get('writer') ?? 0, rows);
  // Whoever opens the directory next sweeps what the dead left unfinished.
  await store.append('changes', { rows: 0, columns: {} }, [{ appId: 'sweep', version: 1 }]);
  const dead = children.map(({ pid }) => `${pid}-`);
  const next = openTableStore({ directory, clock: hostClock });
  await next.append('changes', { rows: 0, columns: {} }, [{ appId: 'sweep', version: 2 }]);
  await next.close();
  const staged = await readdir(join(directory, '.staging'));
  expect(staged.filter((name) => dead.some((pid) => name.startsWith(pid)))).toEqual([]);
});

test('several writers beside one that folds and compacts: every commit whole, once, in a gapless log', async () => {
  const [commits, rows] = [30, 100];
  const names = ['a', 'b', 'c', 'd'];
  await store.create('changes', writerSchema);
  const tidy = start('tidy', 'tidy');
  const writers = names.map((append) => start(append, { append, commits, rows }));
  const exits = await Promise.all(writers.map(({ child }) => child.exited));
  expect(exits.map(({ code, failure }) => failure ?? code)).toEqual([0, 0, 0, 0]);
  await tidy.firstReport;
  expect((await tidy.child.stop()).failure).toBeUndefined();
  expect((await store.txns('current')).get('fold:changes')).toBeGreaterThan(0);
  expect(await heldRows()).toEqual(
    new Map(
      names.flatMap((name) => Array.from({ length: commits }, (_, i) => [`${name} ${i + 1}`, rows] as const)).sort(),
    ),
  );
  const versions = writers.flatMap(({ acknowledged }) => acknowledged.map(({ version }) => version));
  expect(versions.length).toBe(names.length * commits);
  expect(new Set(versions).size).toBe(versions.length);
  await expectGaplessLog('changes');
  await expectGaplessLog('current');
  await expectFolded(names, commits, rows);
});
