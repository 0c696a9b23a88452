import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, hostClock } from '../clock.js';
import type { StoringPort } from '../ports/ports.js';
import { openTableStore } from '../ports/table-store/embedded.js';
import type { TableStore } from '../ports/table-store/port.js';
import { readStoredBytes } from './stored-bytes.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'planebench-stored-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const folderOf = (port: StoringPort) => join(directory, port);
const put = async (path: string, bytes: number) => {
  await mkdir(dirname(join(directory, path)), { recursive: true });
  await writeFile(join(directory, path), new Uint8Array(bytes));
};
const hot = (bytes: number) => ({ hot: bytes, warm: 0, cold: 0 });

describe('what lies on the disk', () => {
  it('is told of the ports that a plane uses, and of no other', async () => {
    await put('onlineStore/data.mdb', 5);
    await put('onlineStore/appendonlydir/a.aof', 7);
    await put('changeLog/data.mdb', 100);
    await put('warehouse/warehouse.db', 100);
    expect(await readStoredBytes(['changeLog', 'onlineStore', 'tables'], folderOf)).toEqual({
      onlineStore: hot(12),
      tables: hot(0),
    });
  });

  it('is told of tables by tier, whatever their names, without what a writer has not finished', async () => {
    await put('tables/t/part-1.parquet', 1);
    await put('tables/t/_delta_log/0.json', 2);
    await put('tables/t/warm/part-2.parquet', 30);
    await put('tables/t/warm/day=1/part-3.parquet', 40);
    await put('tables/cold/part-4.parquet', 4);
    await put('tables/cold/cold/part-5.parquet', 500);
    await put('tables/.staging/1-x', 1_000);
    expect(await readStoredBytes(['tables'], folderOf)).toEqual({ tables: { hot: 7, warm: 70, cold: 500 } });
  });
});

describe('a table', () => {
  let store: TableStore;
  let nowUs = 1e12;
  const clock: Clock = { ...hostClock, nowUs: () => nowUs };
  beforeEach(() => {
    store = openTableStore({ directory: folderOf('tables'), clock });
  });
  afterEach(() => store.close());

  const live = async () => (await store.snapshot('t')).files.reduce((sum, { bytes }) => sum + bytes, 0);
  const stored = async () => (await readStoredBytes(['tables'], folderOf)).tables!.hot;
  const logged = async (versions: number) => {
    const names = Array.from({ length: versions }, (_, version) => `${String(version).padStart(20, '0')}.json`);
    const sizes = names.map(async (name) => (await stat(join(folderOf('tables'), 't/_delta_log', name))).size);
    return (await Promise.all(sizes)).reduce((sum, bytes) => sum + bytes, 0);
  };

  it('takes the bytes of its older versions until vacuum has removed them, and of its log', async () => {
    await store.create('t', [{ name: 'n', type: 'int', nullable: false }]);
    for (const n of [1, 2]) await store.append('t', { rows: 1, columns: { n: [n] } }, []);
    const before = await live();
    expect(await stored()).toBe(before + (await logged(3)));
    await store.compact('t', { smallFileBytes: 1_000_000, targetFileBytes: 1_000_000 });
    expect(await stored()).toBe(before + (await live()) + (await logged(4)));
    nowUs += 1e6;
    expect(await store.vacuum('t', { retainUs: 1 })).toMatchObject({ deletedFiles: 2, deletedBytes: before });
    expect(await stored()).toBe((await live()) + (await logged(4)));
  });
});
