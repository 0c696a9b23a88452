/** What becomes of a log with time: travel to a moment, and clean-up of what is old. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commitInfo } from './actions.js';
import { creation, file, type LogUnderTest, logUnderTest, removal } from './fixture-log.js';
import { versionAt } from './history.js';

let log: LogUnderTest;
beforeEach(() => {
  log = logUnderTest();
});
afterEach(() => log.close());

const secondUs = 1_000_000;

/** Version v is committed at second v; a checkpoint every ten. */
async function fill(last: number, properties: Readonly<Record<string, string>> = {}): Promise<void> {
  const writer = log.open();
  await writer.commit(() => creation({ 'delta.checkpointInterval': '10', ...properties }));
  for (let version = 1; version <= last; version++) {
    log.nowUs = version * secondUs;
    await writer.commit(() => [commitInfo(log.nowUs, 'WRITE', {}), { add: file(`${version}`) }]);
  }
}

const names = async () =>
  (await log.objects.list('t/_delta_log')).map(({ name }) => name.replace(/^0+(?=\d)/, '')).sort();
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe('a moment', () => {
  test('is the newest version of those that were committed by then, whose times never go back', () => {
    const times = fc.array(fc.option(fc.nat({ max: 50 })), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(times, fc.nat({ max: 60_000 }), (timestamps, timestampUs) => {
        const commits = timestamps.map((timestampMs, i) => ({ version: 5 + i, timestampMs }));
        const committedMs = (i: number) => Math.max(...timestamps.slice(0, i + 1).map((ms) => ms ?? 0));
        const there = commits.filter((_, i) => committedMs(i) * 1000 <= timestampUs);
        expect(versionAt(commits, timestampUs)).toBe(there.at(-1)?.version ?? null);
      }),
    );
  });

  test('between commits, at a commit, and after all of them', async () => {
    await fill(25);
    for (const reader of [log.open(), log.open()]) {
      for (const [timestampUs, version] of [
        [0, 0],
        [7.5 * secondUs, 7],
        [12 * secondUs, 12],
        [12 * secondUs - 1, 11],
        [25 * secondUs, 25],
        [1e15, 25],
      ] as const) {
        const state = await reader.at({ timestampUs });
        expect([state.version, state.files.size]).toEqual([version, version]);
      }
    }
  });

  test('before the first version there is none', async () => {
    log.nowUs = 9 * secondUs;
    const writer = log.open();
    await writer.commit(() => [commitInfo(log.nowUs, 'CREATE TABLE', {}), ...creation().slice(1)]);
    await expect(writer.at({ timestampUs: 9 * secondUs - 1 })).rejects.toThrow(
      'Table t has no version at 8999999 µs; the earliest that can be read, 0, was committed at 9000000 µs.',
    );
    await expect(log.open().at(1)).rejects.toThrow('Table t has no version 1; the newest is 0.');
    await expect(log.open().at(-1)).rejects.toThrow('Table t has no version -1; the newest is 0.');
  });
});

describe('clean-up', () => {
  test('keeps what a version within the retention needs, and the commit of the checkpoint that it starts from', async () => {
    await fill(45, { 'delta.logRetentionDuration': 'interval 12 seconds' });
    log.nowUs = 45 * secondUs;
    // At second 33 version 33 was the newest; it needs checkpoint 30.
    expect(await log.open().cleanUp()).toBe(30 + 2);
    expect(await names()).toEqual(
      [
        ...range(30, 45).map((version) => `${version}.json`),
        '30.checkpoint.parquet',
        '40.checkpoint.parquet',
        '_last_checkpoint',
      ].sort(),
    );
    for (const version of range(30, 45)) expect((await log.open().at(version)).files.size).toBe(version);
    for (const reader of [log.open(), log.open()]) {
      await expect(reader.at(29)).rejects.toThrow(
        'Table t: version 29 was cleaned up; the earliest that can still be read is 30.',
      );
      await expect(reader.at({ timestampUs: 29 * secondUs })).rejects.toThrow(
        'Table t has no version at 29000000 µs; the earliest that can be read, 30, was committed at 30000000 µs.',
      );
      await expect(reader.filesAdded(12, 45)).rejects.toThrow('Table t: version 13 was cleaned up');
      expect(await reader.earliest()).toBe(30);
      expect((await reader.filesAdded(30, 45)).length).toBe(15);
    }
    expect(await log.open().cleanUp()).toBe(0);
  });

  test('keeps what a pinned version needs', async () => {
    await fill(45, { 'delta.logRetentionDuration': 'interval 1 second' });
    expect(await log.open().cleanUp(27)).toBe(20 + 1);
    expect((await log.open().at(27)).files.size).toBe(27);
  });

  test('leaves everything for as long as the default retention, and while there is no checkpoint', async () => {
    await fill(15);
    expect(await log.open().cleanUp()).toBe(0);
    log.nowUs += 30 * 86_400 * secondUs;
    expect(await log.open().cleanUp()).toBe(10);
  });

  test('never trusts a checkpoint that it has not read', async () => {
    await fill(25, { 'delta.logRetentionDuration': 'interval 0 seconds' });
    await log.objects.put('t/_delta_log/00000000000000000020.checkpoint.parquet', 'cut short');
    expect(await log.open().cleanUp()).toBe(10);
    expect(await log.open().earliest()).toBe(10);
  });

  test('that breaks off after any of its deletions leaves a log that is read as before', async () => {
    await fill(25, { 'delta.logRetentionDuration': 'interval 0 seconds' });
    for (let broken = true; broken; ) {
      let deletions = 0;
      const cleaner = log.open({
        async delete(path) {
          if (deletions++ === 1) throw new Error('the disk is gone');
          await log.objects.delete(path);
        },
      });
      broken = await cleaner.cleanUp().then(
        () => false,
        () => true,
      );
      const reader = log.open();
      expect((await reader.refresh())?.files.size).toBe(25);
      const earliest = await reader.earliest();
      for (const version of range(earliest, 25)) expect((await reader.at(version)).files.size).toBe(version);
    }
    expect(await log.open().earliest()).toBe(20);
  });

  test('a process that slept through it does not take the next version for one that nobody has written', async () => {
    await fill(5, { 'delta.logRetentionDuration': 'interval 10 seconds' });
    const sleeper = log.open();
    expect((await sleeper.refresh())?.version).toBe(5);
    const other = log.open();
    for (let version = 6; version <= 60; version++) {
      log.nowUs = version * secondUs;
      await other.commit(() => [commitInfo(log.nowUs, 'WRITE', {}), { add: file(`${version}`) }]);
    }
    expect(await other.cleanUp()).toBeGreaterThan(0);
    expect(await sleeper.commit(() => [{ add: file('61') }])).toEqual({ committed: true, version: 61 });
    expect((await log.open().refresh())?.files.size).toBe(61);
  });
});

test('the earliest version that has all its files', async () => {
  await fill(5);
  const writer = log.open();
  await writer.commit(() => [removal('2'), removal('4')]);
  await writer.commit(() => [removal('3')]);
  expect(await writer.earliestWithout(() => false)).toBe(0);
  expect(await writer.earliestWithout((path) => path === '4')).toBe(6);
  expect(await writer.earliestWithout((path) => path === '2' || path === '3')).toBe(7);
});
