/**
 * Another implementation reads our tables and we read its commits: delta-rs, as the Python package `deltalake`. Set
 * PLANEBENCH_PYTHON to a Python that has `deltalake` and `pyarrow` if `python3` has not.
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

  function ask(script: string): unknown {
    const code = `import json, deltalake, pyarrow as pa\npath = ${JSON.stringify(join(directory, 't'))}\n${script}`;
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
    for await (const batch of store.scan(snapshot, { columns: schema.map(({ name }) => name) })) {
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
});
