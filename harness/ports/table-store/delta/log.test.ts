import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hostClock } from '../../../clock.js';
import { CallError } from '../../../errors.js';
import type { Column } from '../../columns.js';
import { type Action, encodeActions } from './actions.js';
import { readCheckpoint, writeCheckpoint } from './checkpoint.js';
import { creation, file, type LogUnderTest, logUnderTest } from './fixture-log.js';
import { localObjects } from './local-objects.js';
import { decodeSchema } from './schema-string.js';
import { boundsOf, mayExceed, mayMatch } from './statistics.js';
import { replay, type TableState } from './table-state.js';

let log: LogUnderTest;
beforeEach(() => {
  log = logUnderTest();
});
afterEach(() => log.close());

/** A state as data, without what only its replay knows. */
const comparable = ({ files, removed, dataVersion, ...rest }: TableState) => ({
  ...rest,
  files: Array.from(files.values(), (add) => ({ ...add, dataChange: false })),
  removed: Array.from(removed.values(), (remove) => ({ ...remove, dataChange: false })),
});

describe('the log', () => {
  test('a state that went through a checkpoint is the state that was replayed', async () => {
    const path = fc.integer({ min: 1, max: 9 }).map((n) => `part-${n}.parquet`);
    const name = fc.constantFrom('x', 'ä "b"', 'null', '');
    const action: fc.Arbitrary<Action> = fc.oneof(
      fc.record({
        add: fc.record(
          {
            path,
            partitionValues: fc.constant({}),
            size: fc.maxSafeInteger(),
            modificationTime: fc.nat(),
            dataChange: fc.boolean(),
            stats: fc.constant('{"numRecords":3,"minValues":{"a\\"":null}}'),
            tags: fc.dictionary(name, name, { maxKeys: 2 }),
          },
          { requiredKeys: ['path', 'partitionValues', 'size', 'modificationTime', 'dataChange'] },
        ),
      }),
      fc.record({ remove: fc.record({ path, deletionTimestamp: fc.nat(), dataChange: fc.boolean() }) }),
      fc.record({
        txn: fc.record(
          { appId: name, version: fc.maxSafeInteger(), lastUpdated: fc.nat() },
          { requiredKeys: ['appId', 'version'] },
        ),
      }),
    );
    let version = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(action, { maxLength: 6 }), { maxLength: 8 }), async (commits) => {
        version++;
        const states = [creation({ 'delta.appendOnly': 'false' }), ...commits].map((actions, i) => ({
          version: i,
          actions,
        }));
        const state = replay('t', null, states)!;
        const name = `${version}.checkpoint.parquet`;
        await writeCheckpoint(log.engine, log.objects, 't', state, `t/_delta_log/${name}`, 0);
        const read = await readCheckpoint(log.engine, log.objects, 't', 't/_delta_log', {
          version: state.version,
          names: [name],
        });
        // Only an empty map of tags is not told from none.
        const withoutEmptyTags = (value: unknown) => JSON.parse(JSON.stringify(value).replaceAll(',"tags":{}', ''));
        expect(withoutEmptyTags(comparable(read))).toEqual(withoutEmptyTags(comparable(state)));
        expect(read.txns).toEqual(state.txns);
      }),
      { numRuns: 30 },
    );
  });

  test('of two writers with the same view one goes first, and the other is asked again with the newer state', async () => {
    const [a, b] = [log.open(), log.open()];
    await a.commit(() => creation());
    await b.refresh();
    await a.commit(() => [{ add: file('1') }]);
    const seen: (number | undefined)[] = [];
    const result = await b.commit((state) => {
      seen.push(state?.version);
      return state?.files.has('1') ? [{ remove: { path: '1', dataChange: true, deletionTimestamp: 5 } }] : [];
    });
    expect(seen).toEqual([0, 1]);
    expect(result).toEqual({ committed: true, version: 2 });
    expect([...(await a.refresh())!.files.keys()]).toEqual([]);
    expect(await b.commit(() => null)).toEqual({ committed: false, version: 2 });
  });

  test('of several actions on a file the last one counts', async () => {
    const writer = log.open();
    await writer.commit(() => creation());
    const remove = (path: string): Action => ({ remove: { path, dataChange: true, deletionTimestamp: 5 } });
    await writer.commit(() => [{ add: file('1') }, { add: file('2') }]);
    await writer.commit(() => [remove('1'), remove('2')]);
    await writer.commit(() => [{ add: file('1', { size: 7 }) }]);
    const state = (await writer.refresh())!;
    expect(Array.from(state.files, ([path, { size }]) => [path, size])).toEqual([['1', 7]]);
    expect([...state.removed.keys()]).toEqual(['2']);
  });

  test('reads after a checkpoint only what came after it, and lists when the hint is gone', async () => {
    const writer = log.open();
    await writer.commit(() => creation());
    for (let i = 1; i <= 103; i++) await writer.commit(() => [{ add: file(`${i}`) }]);
    const asked: string[] = [];
    const counting = log.open({
      get: (path) => {
        asked.push(path.replace('t/_delta_log/', '').replace(/^0+(?=\d)/, ''));
        return log.objects.get(path);
      },
    });
    const state = await counting.refresh();
    expect(comparable(state!)).toEqual(comparable((await writer.refresh())!));
    expect(asked).toEqual(['_last_checkpoint', '101.json', '102.json', '103.json', '104.json']);
    asked.length = 0;
    await counting.refresh();
    expect(asked).toEqual(['104.json']);
    expect(JSON.parse((await log.objects.get('t/_delta_log/_last_checkpoint'))!)).toEqual({ version: 100, size: 102 });
    await log.objects.delete('t/_delta_log/_last_checkpoint');
    expect(comparable((await log.open().refresh())!)).toEqual(comparable(state!));
  });

  test('a checkpoint that cannot be written does not undo the commit', async () => {
    const broken = log.open({ publish: () => Promise.reject(new Error('disk full')) });
    const warnings: string[] = [];
    const listen = (warning: Error) => warnings.push(warning.message);
    process.on('warning', listen);
    await broken.commit(() => creation());
    for (let i = 1; i <= 50; i++) await broken.commit(() => [{ add: file(`${i}`) }]);
    await hostClock.sleep(0);
    process.off('warning', listen);
    expect(warnings).toEqual(['Table t: no checkpoint of version 50: disk full']);
    expect((await log.open().refresh())?.files.size).toBe(50);
  });

  test('a store that fails is reported as such: nothing happened, or nobody knows', async () => {
    const failing = log.open({ putIfAbsent: () => Promise.reject(new CallError('failed', 'ENOSPC')) });
    await expect(failing.commit(() => creation())).rejects.toMatchObject({ name: 'CallError', outcome: 'failed' });
    for (const error of [new CallError('indeterminate', 'reset'), new Error('reset')]) {
      const unsure = log.open({ putIfAbsent: () => Promise.reject(error) });
      await expect(unsure.commit(() => creation())).rejects.toMatchObject({
        outcome: 'indeterminate',
        message: 'Table t: version 0 may or may not have been written: reset',
      });
    }
  });

  test('refuses tables that need more than it has, and logs that lack what is asked', async () => {
    await log.open().commit(() => creation());
    await log.objects.put(
      't/_delta_log/00000000000000000001.json',
      encodeActions([{ protocol: { minReaderVersion: 3, minWriterVersion: 7 } }]),
    );
    await expect(log.open().refresh()).rejects.toThrow(
      /needs Delta reader version 3 and writer version 7; this store has 1 and 2/,
    );
    await writeFile(join(log.directory, 't/_delta_log/00000000000000000000.json'), '{"commitInfo":{}}\n');
    await expect(log.open().refresh()).rejects.toThrow(/no protocol or no metaData/);
    await expect(log.open().filesAdded(1, 7)).rejects.toThrow(
      'Table t: version 2 cannot be read: the log has a gap, t/_delta_log/00000000000000000002.json is not there',
    );
    expect(() => decodeSchema('t', '{"fields":[{"name":"d","type":"double","nullable":true,"metadata":{}}]}')).toThrow(
      /column d is "double"/,
    );
  });
});

describe('objects on the local disk', () => {
  test('put-if-absent tells exactly one of many writers true, and readers see whole objects', async () => {
    const others = Array.from({ length: 8 }, () => localObjects(log.directory));
    for (let round = 0; round < 10; round++) {
      const text = (i: number) => `${i}`.repeat(50_000);
      const told = await Promise.all(others.map((other, i) => other.putIfAbsent(`x/${round}`, text(i))));
      const winner = told.indexOf(true);
      expect(told.filter(Boolean).length).toBe(1);
      expect(await log.objects.get(`x/${round}`)).toBe(text(winner));
    }
    expect(await readdir(join(log.directory, '.staging'))).toEqual([]);
    expect((await log.objects.list('x')).length).toBe(10);
    expect(await log.objects.folders()).toEqual(['x']);
  });

  test('what is absent is absent, and what is put twice is the latter', async () => {
    expect(await log.objects.get('no/thing')).toBeNull();
    expect(await log.objects.list('no')).toEqual([]);
    await log.objects.delete('no/thing');
    await log.objects.put('a/b', '1');
    await log.objects.put('a/b', '2');
    expect(await log.objects.get('a/b')).toBe('2');
    const staged = await log.objects.stage();
    await writeFile(staged, 'three');
    await log.objects.publish(staged, 'a/c');
    expect(await log.objects.list('a')).toEqual(expect.arrayContaining([{ name: 'c', bytes: 5 }]));
    const [local] = await log.objects.localFiles(['a/c'], { fetchedBytes: null, usesCopies: false });
    expect(await readFile(local!, 'utf8')).toBe('three');
  });

  test('no object is there before what was published by reference is on the disk', async () => {
    // Of a link to nowhere nothing can be made durable.
    const publishBroken = async (path: string) => {
      const staged = await log.objects.stage();
      await symlink(join(log.directory, 'nowhere'), staged);
      await log.objects.publish(staged, path, 'by reference');
    };
    await publishBroken('a/broken');
    // Not the second time either: a disk that failed to take it would answer then that there is nothing to do.
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(log.objects.putIfAbsent('a/1', 'one')).rejects.toMatchObject({
        outcome: 'failed',
        message: expect.stringMatching(/a\/broken is not on the disk: ENOENT/),
      });
      await expect(log.objects.put('a/hint', 'one')).rejects.toThrow(/a\/broken is not on the disk/);
    }
    expect(await log.objects.get('a/1')).toBeNull();
    expect(await log.objects.get('a/hint')).toBeNull();
    await log.objects.delete('a/broken');
    expect(await log.objects.putIfAbsent('a/1', 'one')).toBe(true);
    // Nobody waits for what was taken back.
    await publishBroken('a/broken');
    await log.objects.delete('a/broken');
    await log.objects.put('a/hint', 'one');
    expect(await readdir(join(log.directory, '.staging'))).toEqual([]);
  });
});

describe('file skipping', () => {
  test('never skips a file that holds a value, and skips by bounds', () => {
    const value = fc.integer({ min: -20, max: 20 });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1 }), fc.array(value), value, (held, asked, bound) => {
        const stats = {
          numRecords: held.length,
          minValues: { a: Math.min(...held) },
          maxValues: { a: Math.max(...held) },
        };
        const add = file('x', { stats: JSON.stringify(stats) });
        const sorted = asked.toSorted((a, b) => a - b);
        const within = sorted.some((one) => one >= stats.minValues.a && one <= stats.maxValues.a);
        const [a, b] = ['a', 'b'].map((name): Column => ({ name, type: 'int', nullable: true })) as [Column, Column];
        const mayHold = mayMatch({ column: 'a', values: asked });
        expect(mayHold(boundsOf(add, a))).toBe(within);
        expect(mayHold(boundsOf(add, b))).toBe(sorted.length > 0);
        expect(mayHold(boundsOf(file('y'), a))).toBe(sorted.length > 0);
        expect(mayHold(null)).toBe(false);
        expect(mayExceed(add, a, bound)).toBe(stats.maxValues.a > bound);
        expect(mayExceed(add, b, bound)).toBe(true);
        const { minValues, maxValues } = stats;
        const overlaps = minValues.a < bound + 3 && maxValues.a >= bound;
        expect(mayMatch({ column: 'a', from: bound, to: bound + 3 })(boundsOf(add, a))).toBe(overlaps);
        expect(mayMatch({ column: 'a', to: bound })(boundsOf(add, a))).toBe(minValues.a < bound);
        expect(mayMatch({ column: 'a', from: bound })(boundsOf(file('y'), a))).toBe(true);
      }),
    );
  });
});
