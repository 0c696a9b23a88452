/**
 * Eight processes commit to one log, while they are killed again and again: 400 commits, and with
 * PLANEBENCH_FULL_SIZE=1 in the environment the 1,600 that are asked for, which take 45 s of processor time.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hostClock } from '../../../clock.js';
import { type StartedChild, startChild } from '../../../processes/child-process.js';
import { seededRandom } from '../../../random.js';
import { type LogUnderTest, logUnderTest } from './fixture-log.js';
import { commitName } from './log-files.js';
import type { LogWriterInit } from './log-writer-process.js';
import type { TableState } from './table-state.js';

const writers = 8;
const isFullSize = process.env.PLANEBENCH_FULL_SIZE === '1';
const commits = isFullSize ? 200 : 50;
const kills = isFullSize ? 24 : 8;

let log: LogUnderTest;
let children: Set<StartedChild>;
beforeEach(() => {
  log = logUnderTest();
  children = new Set();
});
afterEach(async () => {
  for (const child of children) child.signal('SIGKILL');
  await Promise.all(Array.from(children, (child) => child.exited));
  await log.close();
});

test('every commit is there once, in a log without gaps, and any version can be read at any time', async () => {
  const random = seededRandom(20_260_102);
  const acknowledged = new Map<number, string>();
  let killed = 0;

  /** Runs a writer until it has done all; answers when. Whoever finds it killed starts it again. */
  async function write(writer: number): Promise<void> {
    for (;;) {
      const child = startChild({
        name: `writer ${writer}`,
        module: new URL('./log-writer-process.js', import.meta.url),
        init: { directory: log.directory, writer, commits } satisfies LogWriterInit,
        origin: { epochUs: 0, zeroNs: 0n },
      });
      children.add(child);
      child.onReport((kind, body) => {
        if (kind !== 'acknowledged') return;
        const { commit, version } = body as { readonly commit: number; readonly version: number };
        expect(acknowledged.get(version)).toBeUndefined();
        acknowledged.set(version, `${writer}-${commit}`);
        strike();
      });
      const { code, signal, failure } = await child.exited;
      children.delete(child);
      if (signal === 'SIGKILL') continue;
      expect(failure ?? code).toBe(0);
      return;
    }
  }

  /** Spread over the commits, however fast they come. */
  function strike(): void {
    if (killed === kills || acknowledged.size <= (killed * writers * commits) / kills) return;
    const victims = Array.from(children);
    victims[random.below(victims.length)]!.signal('SIGKILL');
    killed++;
  }

  /** Any state is whole: of each writer the files of its commits up to the one that is recorded. */
  function expectWhole(state: TableState): void {
    expect(state.files.size).toBe(state.version);
    for (let writer = 0; writer < writers; writer++) {
      const recorded = state.txns.get(`writer ${writer}`)?.version ?? 0;
      const there = Array.from({ length: recorded }, (_, i) => state.files.has(`${writer}-${i + 1}`));
      expect(there.every(Boolean)).toBe(true);
    }
  }

  const done = Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  let finished = false;
  const end = done.finally(() => {
    finished = true;
  });
  const witness = log.open();
  while (!finished) {
    await Promise.race([end, hostClock.sleep(random.below(80_000))]);
    if ((await witness.refresh()) === null) continue;
    const newest = await log.open().refresh();
    expectWhole(newest!);
    expectWhole(await log.open().at(Math.max(0, newest!.version - 1)));
  }
  await end;

  const newest = (await log.open().refresh())!;
  expect(newest.version).toBe(writers * commits);
  expectWhole(newest);
  const names = (await readdir(join(log.directory, 't/_delta_log'))).filter((name) => name.endsWith('.json')).sort();
  expect(names).toEqual(Array.from({ length: writers * commits + 1 }, (_, version) => commitName(version)));
  const added = (await log.open().filesAdded(0, newest.version)).map(({ path }) => path);
  expect(new Set(added).size).toBe(writers * commits);
  for (const [version, path] of acknowledged) expect(added[version - 1]).toBe(path);
  expect(killed).toBe(kills);
}, 300_000);
