/**
 * Another implementation reads our tables and we read its own: delta-rs, as the Python package `deltalake`. Set
 * PLANEBENCH_PYTHON to a Python that has `deltalake` and `pyarrow` if `python3` has not; then it must have them, as in
 * CI, where a test that is skipped would prove nothing.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hostClock } from '../../../clock.js';
import type { Schema } from '../../columns.js';
import { openTableStore } from '../embedded.js';
import type { TableStore } from '../port.js';

const python = process.env.PLANEBENCH_PYTHON ?? 'python3';
const probe = spawnSync(python, ['-c', 'import deltalake, pyarrow'], { encoding: 'utf8' });
const missing = probe.status === 0 ? '' : ` (skipped: ${python} cannot import deltalake and pyarrow)`;

test.runIf(process.env.PLANEBENCH_PYTHON !== undefined)('PLANEBENCH_PYTHON has what delta-rs needs', () => {
  expect(probe.stderr).toBe('');
  expect(probe.status).toBe(0);
});

const schema: Schema = [
  { name: 'id', type: 'int', nullable: false },
  { name: 'amount', type: 'int', nullable: true },
  { name: 'name', type: 'text', nullable: false },
  { name: 'note', type: 'text', nullable: true },
];

describe.skipIf(missing !== '')(`delta-rs${missing}`, () => {
  let directory: string;
  let store: TableStore;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'planebench-interop-'));
    store = openTableStore({ directory, clock: hostClock });
  });
  afterEach(async () => {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });

  /** What the script prints. It leaves without the clean-up of delta-rs's threads, which now and then aborts. */
  function ask(script: string): unknown {
    const code = `import json, os, sys, deltalake, pyarrow as pa
path = ${JSON.stringify(join(directory, 't'))}
${script}
sys.stdout.flush()
os._exit(0)`;
    return JSON.parse(execFileSync(python, ['-c', code], { encoding: 'utf8' }));
  }

  async function append(first: number, rows: number): Promise<void> {
    const ids = Array.from({ length: rows }, (_, i) => first + i);
    const columns = {
      id: ids,
      amount: ids.map((id) => (id % 3 ? -id * 1e12 : null)),
      name: ids.map((id) => `näme ${id}`),
      note: ids.map((id) => (id % 2 ? null : 'it\'s a "note"')),
    };
    await store.append('t', { rows, columns }, [{ appId: 'writer', version: first }]);
  }

  const readAll = `
def rows(table):
    return sorted(table.to_pyarrow_table().to_pylist(), key=lambda row: row['id'])
`;

  async function ours(version?: number): Promise<unknown[]> {
    const rows: unknown[] = [];
    const snapshot = await store.snapshot('t', version);
    for await (const batch of store.scan(snapshot, { columns: snapshot.schema.map(({ name }) => name) })) {
      for (let i = 0; i < batch.rows; i++) {
        rows.push(Object.fromEntries(Object.entries(batch.columns).map(([name, values]) => [name, values[i]])));
      }
    }
    return (rows as { id: number }[]).sort((a, b) => a.id - b.id);
  }

  test('reads the same rows, versions, transactions and schema, before and after checkpoint, compaction and vacuum', async () => {
    await store.create('t', schema);
    for (let i = 0; i < 60; i++) await append(1 + 10 * i, 10);
    await store.compact('t', { smallFileBytes: 1e6, targetFileBytes: 1e6 });
    await append(601, 10);
    const answer = ask(`${readAll}
table = deltalake.DeltaTable(path)
print(json.dumps({
  'version': table.version(), 'writer': table.transaction_version('writer'),
  'fields': [[f.name, f.type.type, f.nullable] for f in table.schema().fields],
  'rows': rows(table), 'at30': rows(deltalake.DeltaTable(path, version=30)), 'at55': rows(deltalake.DeltaTable(path, version=55)),
}))`) as Record<string, unknown>;
    expect(answer).toMatchObject({ version: 62, writer: 601 });
    expect(answer.fields).toEqual([
      ['id', 'long', false],
      ['amount', 'long', true],
      ['name', 'string', false],
      ['note', 'string', true],
    ]);
    expect(answer.rows).toEqual(await ours());
    expect(answer.at30).toEqual(await ours(30));
    expect(answer.at55).toEqual(await ours(55));
    expect((answer.rows as unknown[]).length).toBe(610);
    await store.vacuum('t', { retainUs: 0 });
    expect(ask(`${readAll}\nprint(json.dumps(rows(deltalake.DeltaTable(path))))`)).toEqual(await ours());
  });

  test('finds what it said of a table and its columns after another schema and a checkpoint of ours', async () => {
    ask(`
id = deltalake.Field('id', 'long', False, {'comment': 'whose it is'})
deltalake.DeltaTable.create(path, schema=deltalake.Schema([id]), name='scores', description='one row a customer')
print('null')`);
    await store.evolve(
      't',
      schema.filter(({ name, nullable }) => name === 'id' || nullable),
    );
    for (let i = 0; i < 60; i++)
      await store.append('t', { rows: 1, columns: { id: [i] } }, [{ appId: 'writer', version: i }]);
    expect(
      ask(`
import glob
for commit in glob.glob(path + '/_delta_log/0000000000000000000*.json'): os.remove(commit)
table = deltalake.DeltaTable(path)
of, fields = table.metadata(), table.schema().fields
print(json.dumps({'name': of.name, 'description': of.description, 'fields': [[f.name, f.metadata] for f in fields]}))`),
    ).toEqual({
      name: 'scores',
      description: 'one row a customer',
      fields: [
        ['id', { comment: 'whose it is' }],
        ['amount', {}],
        ['note', {}],
      ],
    });
  });

  test('appends to our table and deletes from it, and we read on and write on', async () => {
    await store.create('t', schema);
    await append(1, 10);
    const theirs = ask(`${readAll}
schema = pa.schema([pa.field('id', pa.int64(), False), pa.field('amount', pa.int64()), pa.field('name', pa.string(), False), pa.field('note', pa.string())])
deltalake.write_deltalake(path, pa.table({'id': [101, 102], 'amount': [None, 5], 'name': ['x', 'y'], 'note': ['z', None]}, schema=schema), mode='append')
table = deltalake.DeltaTable(path)
table.delete('id = 3')
print(json.dumps([table.version(), rows(table)]))`) as [number, unknown[]];
    expect(theirs[0]).toBe(3);
    expect((await store.snapshot('t')).version).toBe(3);
    expect(await ours()).toEqual(theirs[1]);
    expect(theirs[1].length).toBe(11);
    await append(11, 10);
    await store.compact('t', { smallFileBytes: 1e6, targetFileBytes: 1e6 });
    expect(ask(`${readAll}\nprint(json.dumps(rows(deltalake.DeltaTable(path))))`)).toEqual(await ours());
    expect((await ours()).length).toBe(21);
  });

  const readVersions = `${readAll}
def versions(first, last):
    found = []
    for version in range(first, last + 1):
        table = deltalake.DeltaTable(path, version=version)
        fields = [[f.name, f.type.type, f.nullable] for f in table.schema().fields]
        found.append({'version': version, 'fields': fields, 'rows': rows(table)})
    return found
`;

  /** As `versions` of the script has them, read by us. */
  async function ourVersions(first: number, last: number): Promise<unknown[]> {
    const found: unknown[] = [];
    for (let version = first; version <= last; version++) {
      const fields = (await store.snapshot('t', version)).schema.map(({ name, type, nullable }) => [
        name,
        type === 'int' ? 'long' : 'string',
        nullable,
      ]);
      found.push({ version, fields, rows: await ours(version) });
    }
    return found;
  }

  test('reads every version alike: partitions, evolution, upserts, clustering, restores, checkpoints, vacuum', async () => {
    const columns: Schema = [
      { name: 'id', type: 'int', nullable: false },
      { name: 'region', type: 'text', nullable: true },
      { name: 'day', type: 'int', nullable: true },
      { name: 'amount', type: 'int', nullable: false },
    ];
    const regions = ['north', 'a/b c', "it's 100 % é [x]*?=#&+", null];
    const put = (operation: 'append' | 'upsert', ids: readonly number[], more: Record<string, string[]> = {}) => {
      const values = {
        id: ids,
        region: ids.map((id) => regions[id % 4]!),
        day: ids.map((id) => (id % 3 ? -(id % 2) : null)),
        amount: ids.map((id) => (id * 7) % 31),
        ...more,
      };
      const rows = { rows: ids.length, columns: values };
      return operation === 'append'
        ? store.append('t', rows, [])
        : store.upsert('t', rows, { key: ['id'], txns: [{ appId: 'upserts', version: ids[0]! }] });
    };
    const range = (first: number, rows: number) => Array.from({ length: rows }, (_, i) => first + i);
    const sizes = { smallFileBytes: 1e6, targetFileBytes: 2_000 };
    await store.create('t', columns, { partitionBy: ['region'], clusterBy: ['id', 'amount'] });
    for (let i = 0; i < 4; i++) await put('append', range(40 * i, 40));
    await store.compact('t', sizes);
    await store.evolve('t', [...columns, { name: 'note', type: 'text', nullable: true }]);
    await put('append', range(160, 20), { note: range(160, 20).map((id) => `note ${id}`) });
    await put('upsert', [5, 6, 7, 300], { note: ['ü', 'v', 'w', 'x'] });
    const relaxed = columns.map((column) => (column.name === 'amount' ? { ...column, nullable: true } : column));
    await store.evolve('t', [...relaxed, { name: 'note', type: 'text', nullable: true }]);
    await store.remove('t', { rows: 2, columns: { id: [8, 9] } }, { key: ['id'], txns: [] });
    await store.compact('t', sizes);
    const { version: kept } = await store.snapshot('t');
    await store.pin('t', 'kept', kept);
    await store.restore('t', 3);
    await put('append', range(400, 20));
    await store.restore('t', kept);
    // Beyond the first checkpoint.
    for (let i = 0; i < 40; i++) {
      if (i % 10 === 0) await put('append', [1_000 + i]);
      else await store.append('t', { rows: 0, columns: {} }, [{ appId: 'progress', version: i }]);
    }
    await store.compact('t', sizes);
    const { version: newest } = await store.snapshot('t');
    expect(newest).toBeGreaterThan(52);
    const theirs = ask(`${readVersions}\nprint(json.dumps(versions(0, ${newest})))`) as unknown[];
    expect(theirs.length).toBe(newest + 1);
    expect(theirs).toEqual(await ourVersions(0, newest));
    await store.vacuum('t', { retainUs: 0 });
    const left = `print(json.dumps(versions(${kept}, ${kept}) + versions(${newest}, ${newest})))`;
    const expected = [...(await ourVersions(kept, kept)), ...(await ourVersions(newest, newest))];
    expect(ask(`${readVersions}\n${left}`)).toEqual(expected);
  }, 180_000);

  test('writes a partitioned table of many versions with a checkpoint, which we read at each and write on', async () => {
    const newest = ask(`
schema = pa.schema([pa.field('id', pa.int64(), False), pa.field('region', pa.string()), pa.field('day', pa.int64())])
def write(ids, mode='append'):
    columns = {'id': ids, 'region': [['a', 'b/c d %é', None][i % 3] for i in ids], 'day': [i % 2 or None for i in ids]}
    deltalake.write_deltalake(path, pa.table(columns, schema=schema), mode=mode, partition_by=['region', 'day'])
write(list(range(30)), 'error')
for i in range(4): write([100 + i, 200 + i, 300 + i])
table = deltalake.DeltaTable(path)
table.create_checkpoint()
table.delete('id = 2 or id = 100')
table.optimize.compact()
wider = pa.table({'id': [500], 'region': ['a'], 'day': [7], 'note': ['new']}, schema=schema.append(pa.field('note', pa.string())))
deltalake.write_deltalake(path, wider, mode='append', schema_mode='merge')
table = deltalake.DeltaTable(path)
table.restore(3)
print(table.version())`) as number;
    expect(newest).toBe(8);
    expect(ask(`${readVersions}\nprint(json.dumps(versions(0, ${newest})))`)).toEqual(await ourVersions(0, newest));
    const late = openTableStore({ directory, clock: hostClock });
    const pruned = await late.snapshot('t', 7);
    const found: unknown[] = [];
    const where = { column: 'region', values: ['b/c d %é'] };
    for await (const batch of late.scan(pruned, { columns: ['id', 'note'], where })) found.push(...batch.columns.id!);
    await late.close();
    expect(found.length).toBe(
      ((await ours(7)) as { region: unknown }[]).filter(({ region }) => region === 'b/c d %é').length,
    );
    const rows = { rows: 2, columns: { id: [1, 900], region: ['a', null], day: [null, 5] } };
    await store.upsert('t', rows, { key: ['id'], txns: [{ appId: 'ours', version: 1 }] });
    await store.compact('t', { smallFileBytes: 1e6, targetFileBytes: 1e6 });
    await store.vacuum('t', { retainUs: 0 });
    expect(ask(`${readVersions}\nprint(json.dumps(versions(10, 10)))`)).toEqual(await ourVersions(10, 10));
  });

  test('types that our tables do not have are refused with a sentence', async () => {
    ask(`
deltalake.write_deltalake(path, pa.table({'id': pa.array([1], pa.int64()), 'price': pa.array([0.5], pa.float64())}))
print('null')`);
    await expect(store.snapshot('t')).rejects.toThrow(/Table t: column price is "double".*only plain long and string/);
  });
});
