/** Logs that are not as they should be: what cannot be read is named, what can be read is, and nothing is written. */
import { readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Column } from '../../columns.js';
import type { Predicate } from '../port.js';
import { encodeActions } from './actions.js';
import { creation, file, type LogUnderTest, logUnderTest } from './fixture-log.js';
import { checkpointName, commitName } from './log-files.js';
import { boundsOf, filesThatMayMatch, mayOverlap, statisticsOf } from './statistics.js';

let log: LogUnderTest;
let warnings: string[];
const listen = (warning: Error) => warnings.push(warning.message);
beforeEach(() => {
  log = logUnderTest();
  warnings = [];
  process.on('warning', listen);
});
afterEach(async () => {
  process.off('warning', listen);
  await log.close();
});

const pathOf = (name: string) => join(log.directory, 't/_delta_log', name);
const remove = (name: string) => log.objects.delete(`t/_delta_log/${name}`);

/** A checkpoint every ten commits, each of which adds a file. */
async function fill(last: number): Promise<void> {
  const writer = log.open();
  await writer.commit(() => creation({ 'delta.checkpointInterval': '10' }));
  for (let version = 1; version <= last; version++) await writer.commit(() => [{ add: file(`${version}`) }]);
}

/** Whoever opens the table now can neither read it nor write to it, for the reason given. */
async function expectRefused(reason: string | RegExp): Promise<void> {
  const before = await readdir(pathOf(''));
  await expect(log.open().refresh()).rejects.toThrow(reason);
  await expect(log.open().commit(() => [{ add: file('new') }])).rejects.toThrow(reason);
  expect(await readdir(pathOf(''))).toEqual(before);
}

async function expectRead(version: number): Promise<void> {
  const state = await log.open().refresh();
  expect(state?.version).toBe(version);
  expect(Array.from(state!.files.keys(), Number)).toEqual(Array.from({ length: version }, (_, i) => i + 1));
}

describe('the hint at the last checkpoint', () => {
  test.each([
    ['missing', null],
    ['no JSON', '{"version":1'],
    ['something else', '[]'],
    ['no number', '{"version":"20"}'],
    ['negative', '{"version":-3}'],
    ['old', '{"version":10,"size":12}'],
    ['at a version without a checkpoint', '{"version":15}'],
    ['in the future', '{"version":4000}'],
  ])('%s', async (_, hint) => {
    await fill(23);
    if (hint === null) await remove('_last_checkpoint');
    else await writeFile(pathOf('_last_checkpoint'), hint);
    await expectRead(23);
    expect(warnings).toEqual([]);
  });

  test('an old one is enough when all that came before the newest checkpoint was cleaned up', async () => {
    await fill(23);
    for (let version = 0; version < 20; version++) await remove(commitName(version));
    await writeFile(pathOf('_last_checkpoint'), '{"version":10}');
    await expectRead(23);
  });
});

describe('a checkpoint', () => {
  test('cut short: an older one and the commits after it are taken, or all commits', async () => {
    await fill(23);
    await truncate(pathOf(checkpointName(20)), 100);
    await expectRead(23);
    await truncate(pathOf(checkpointName(10)), 0);
    await expectRead(23);
    expect((await log.open().at(21)).files.size).toBe(21);
    expect(warnings[0]).toMatch(
      /^Table t: Checkpoint t\/_delta_log\/0{18}20\.checkpoint\.parquet cannot be read \(.+\)\. An older one was taken\.$/,
    );
  });

  test('cut short, and the commits that would do instead are gone', async () => {
    await fill(23);
    await truncate(pathOf(checkpointName(20)), 100);
    await remove(commitName(13));
    await expectRefused(
      /^Table t: version 23 cannot be read\. Checkpoint t\/_delta_log\/0{18}20\.checkpoint\.parquet cannot be read \(.+\)\. Without it, t\/_delta_log\/0{18}13\.json is needed and is not there\./,
    );
  });

  test('in parts, as others write it: read when all are there, and no checkpoint otherwise', async () => {
    await fill(23);
    const parts = [1, 2].map((part) => checkpointName(20).replace('.parquet', `.000000000${part}.0000000002.parquet`));
    const whole = pathOf(checkpointName(20));
    for (const [i, part] of parts.entries()) {
      await log.engine.run(
        `COPY (SELECT * FROM (SELECT *, row_number() OVER () AS n FROM read_parquet('${whole}')) WHERE n % 2 = ${i})
         TO '${pathOf(part)}' (FORMAT parquet)`,
      );
    }
    await remove(checkpointName(20));
    for (let version = 0; version < 20; version++) await remove(commitName(version));
    await remove(checkpointName(10));
    expect((await log.open().refresh())?.files.size).toBe(23);
    await remove(parts[0]!);
    await expectRefused(/version 23 cannot be read: the log has a gap, t\/_delta_log\/0{20}\.json is not there/);
  });

  test('of the V2 spec: passed over, or the reason why nothing can be read', async () => {
    await fill(13);
    const name = checkpointName(13).replace('.parquet', '.80a083e8-7026-4e79-81be-64bd76c43a11.json');
    await writeFile(pathOf(name), '{"checkpointMetadata":{"version":13}}\n');
    await expectRead(13);
    await remove(checkpointName(10));
    await remove(commitName(4));
    await expectRefused(/80a083e8-7026-4e79-81be-64bd76c43a11\.json cannot be read \(it follows the V2 spec/);
  });

  test('without optional columns, and with statistics in columns only, as others write it', async () => {
    const writer = log.open();
    await writer.commit(() => creation());
    await writer.commit(() => [{ add: file('1') }]);
    await log.engine.run(
      `COPY (
         SELECT {'minReaderVersion': 1, 'minWriterVersion': 2} AS protocol, NULL AS "metaData", NULL AS "add"
         UNION ALL SELECT NULL, {'id': 'id', 'format': {'provider': 'parquet'}, 'schemaString': '{"type":"struct","fields":[]}',
           'partitionColumns': []::VARCHAR[], 'configuration': MAP {'k': 'v'}}, NULL
         UNION ALL SELECT NULL, NULL, {'path': 'x', 'partitionValues': MAP {'p': NULL::VARCHAR}, 'size': 5::BIGINT,
           'modificationTime': 6::BIGINT, 'dataChange': false, 'stats_parsed': {'numRecords': 3::BIGINT, 'minValues': {'a': -1}}}
       ) TO '${pathOf(checkpointName(1))}' (FORMAT parquet)`,
    );
    const state = (await log.open().refresh())!;
    expect(state.metaData.configuration).toEqual({ k: 'v' });
    expect([...state.files.values()]).toEqual([
      {
        path: 'x',
        partitionValues: { p: null },
        size: 5,
        modificationTime: 6,
        dataChange: false,
        stats: '{"numRecords":3,"minValues":{"a":-1}}',
      },
    ]);
  });

  test('with nulls for statistics that its writer did not know: they rule out no file', async () => {
    const writer = log.open();
    await writer.commit(() => creation());
    await writer.commit(() => [{ add: file('1') }]);
    const row = (path: string, stats: string) =>
      `SELECT NULL, NULL, {'path': '${path}', 'partitionValues': MAP {}::MAP(VARCHAR, VARCHAR), 'size': 5::BIGINT,
         'modificationTime': 6::BIGINT, 'dataChange': false, 'stats_parsed': ${stats}}`;
    await log.engine.run(
      `COPY (
         SELECT {'minReaderVersion': 1, 'minWriterVersion': 2} AS protocol, NULL AS "metaData", NULL AS "add"
         UNION ALL SELECT NULL, {'id': 'id', 'format': {'provider': 'parquet'}, 'schemaString': '{"type":"struct","fields":[]}',
           'partitionColumns': []::VARCHAR[], 'configuration': MAP {'k': 'v'}}, NULL
         UNION ALL ${row(
           'text',
           `{'numRecords': 3::BIGINT, 'minValues': {'id': 1::BIGINT, 'text': NULL::VARCHAR},
             'maxValues': {'id': 2::BIGINT, 'text': NULL::VARCHAR}, 'nullCount': {'id': 0::BIGINT, 'text': NULL::BIGINT}}`,
         )}
         UNION ALL ${row('no bounds', `{'numRecords': 3::BIGINT, 'minValues': NULL, 'maxValues': NULL, 'nullCount': NULL}`)}
         UNION ALL ${row('none', 'NULL')}
       ) TO '${pathOf(checkpointName(1))}' (FORMAT parquet)`,
    );
    const files = [...(await log.open().refresh())!.files.values()];
    const [id, text]: Column[] = [
      { name: 'id', type: 'int', nullable: false },
      { name: 'text', type: 'text', nullable: true },
    ];
    const found = (column: Column, where: Omit<Predicate, 'column'>) =>
      filesThatMayMatch(files, column, { column: column.name, ...where } as Predicate).map(({ path }) => path);
    // As a text, null lies after "a" and before "z".
    for (const value of ['a', 'null', 'z'])
      expect(found(text!, { values: [value] })).toEqual(['text', 'no bounds', 'none']);
    expect(found(id!, { values: [3] })).toEqual(['no bounds', 'none']);
    expect(found(id!, { from: 2, to: 3 })).toEqual(['text', 'no bounds', 'none']);
    expect(files.map((add) => boundsOf(add, text!))).toEqual([{}, {}, {}]);
    expect(files.map((add) => statisticsOf(add)?.nullCount.text)).toEqual([undefined, undefined, undefined]);
    expect(files.every((add) => mayOverlap(boundsOf(add, text!), { least: 'a', greatest: 'b' }))).toBe(true);
  });
});

describe('a commit', () => {
  test.each([
    ['is empty', '', /it is empty/],
    [
      'ends in the middle of a line',
      '{"add":{"path":"a","size":1,"partitionValues":{}}}\n{"add":{"pa',
      /line 2 is no action: \{"add":\{"pa\./,
    ],
    ['is no JSON', 'garbage\n', /line 1 is no action: garbage/],
    ['has a list for an action', '[1]\n', /line 1 is no action: \[1\]/],
    ['adds a file without a path', '{"add":{"size":1}}\n', /line 1 is no action/],
    ['adds a file of no partition', '{"add":{"path":"a","size":1}}\n', /line 1 is no action/],
    [
      'has statistics that are broken',
      `${JSON.stringify({ add: { path: 'a', size: 1, partitionValues: {}, stats: '{"numRec' } })}\n`,
      /line 1 is no action/,
    ],
    ['adds nothing', '{"add":null}\n', /line 1 is no action/],
  ])('that %s', async (_, text, reason) => {
    await fill(5);
    await writeFile(pathOf(commitName(3)), text);
    await expectRefused(
      /^Table t: version 3 cannot be read, t\/_delta_log\/0{19}3\.json is corrupt: .+\. Restore it from a copy/,
    );
    await expectRefused(reason);
    expect(
      (await log
        .open({})
        .at(2)
        .catch((error: Error) => error.message)) as string,
    ).toMatch(/version 3 cannot be read/);
  });

  test('with actions of a kind that is not known is read', async () => {
    await fill(2);
    await writeFile(pathOf(commitName(3)), `{"cdc":{"path":"c"}}\n\n${encodeActions([{ add: file('3') }])}`);
    await expectRead(3);
  });

  test('that is missing before others', async () => {
    await fill(8);
    await remove(commitName(5));
    await expectRefused('Table t: version 8 cannot be read: the log has a gap, t/_delta_log/00000000000000000005.json');
  });

  test('that is missing where a checkpoint stands in for it is no gap, and before it no version can be read', async () => {
    await fill(23);
    await remove(commitName(5));
    await remove(commitName(20));
    await expectRead(23);
    await expect(log.open().at(7)).rejects.toThrow(
      /version 7 was cleaned up; the earliest that can still be read is 10/,
    );
    for (const version of [10, 19, 20]) expect((await log.open().at(version)).files.size).toBe(version);
  });
});

test('a property that makes no sense is named', async () => {
  await log.open().commit(() => creation({ 'delta.logRetentionDuration': 'interval 1 month' }));
  const reader = log.open();
  await reader.refresh();
  await expect(reader.refresh()).rejects.toThrow(
    'Table t: delta.logRetentionDuration is "interval 1 month"; it must be an interval such as',
  );
});

test('a checkpoint interval that makes no sense is refused before anything is committed', async () => {
  const odd = log.open();
  await expect(odd.commit(() => creation({ 'delta.checkpointInterval': '0' }))).rejects.toThrow(
    'Table t: delta.checkpointInterval is "0"; it must be a number of commits',
  );
  expect(await log.open().refresh()).toBeNull();
});
