import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withDuckDb } from '../ports/duckdb.js';
import { searchStored } from './personal-data.js';

const email = 'ada.lovelace@example.org';
const phone = '+49 30 901820';
const needles = [email, phone, 'charles@example.org'];

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'planebench-leaks-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe('the search for personal data', () => {
  it('reads the bytes of every file in every folder, also across its pieces', async () => {
    const path = join(directory, 'deep', 'file.bin');
    await mkdir(join(directory, 'deep'));
    const bytes = Buffer.alloc(9 * 1024 * 1024, 'x');
    bytes.write(email, 4 * 1024 * 1024 - 10);
    bytes.write(phone, bytes.length - phone.length);
    await writeFile(path, bytes);
    expect(await searchStored([directory], needles)).toEqual([
      { path, place: '', needle: email },
      { path, place: '', needle: phone },
    ]);
    expect(await searchStored([path], [phone])).toHaveLength(1);
  });

  it('finds what Parquet has compressed away, and names the column', async () => {
    const path = join(directory, 'part.parquet');
    await withDuckDb((connection) =>
      connection.run(
        `COPY (SELECT i AS id, md5(i::VARCHAR) AS token, repeat('padding ', 20) || '${email}' AS note, {'phone': '${phone}'} AS nested
               FROM range(2000) AS t(i)) TO '${path}' (FORMAT parquet, COMPRESSION zstd)`,
      ),
    );
    const leaks = await searchStored([directory], needles);
    expect(leaks).toContainEqual({ path, place: 'column note', needle: email });
    expect(leaks).toContainEqual({ path, place: 'column nested', needle: phone });
    expect(leaks.filter(({ place }) => place === 'column token')).toEqual([]);
    expect(leaks.filter(({ needle }) => needle === needles[2])).toEqual([]);
  });

  it('comes to its end where columns have a million texts each', async () => {
    const path = join(directory, 'customers.parquet');
    await withDuckDb((connection) =>
      connection.run(
        `COPY (SELECT md5(i::VARCHAR) AS token, if(i = 999999, '${email}', md5((i + 7)::VARCHAR)) AS next
               FROM range(1000000) AS t(i)) TO '${path}' (FORMAT parquet, COMPRESSION zstd)`,
      ),
    );
    expect((await searchStored([directory], [email, phone])).filter(({ place }) => place !== '')).toEqual([
      { path, place: 'column next', needle: email },
    ]);
  });

  it('finds what a DuckDB file holds, also what is still in its log, and leaves the file as it was', async () => {
    const path = join(directory, 'warehouse.duckdb');
    const instance = await DuckDBInstance.create(path);
    const connection = await instance.connect();
    await connection.run(`CREATE TABLE people AS SELECT i, repeat('${email}', 3) AS mail FROM range(5000) AS t(i)`);
    await connection.run('CHECKPOINT');
    await connection.run('PRAGMA disable_checkpoint_on_shutdown');
    await connection.run(`CREATE TABLE calls AS SELECT '${phone}' AS caller`);
    connection.closeSync();
    instance.closeSync();
    expect((await readFile(`${path}.wal`)).includes(phone)).toBe(true);
    const before = await readFile(path);
    const leaks = await searchStored([directory], needles);
    expect(leaks).toContainEqual({ path, place: 'table people, column mail', needle: email });
    expect(leaks).toContainEqual({ path, place: 'table calls, column caller', needle: phone });
    expect((await readFile(path)).equals(before)).toBe(true);
  });

  it('finds values in an LMDB file', async () => {
    const store = open({ path: join(directory, 'online'), encoding: 'binary' });
    await store.put('17', Buffer.from(`row of ${email}`));
    await store.close();
    expect(await searchStored([directory], needles)).toContainEqual(expect.objectContaining({ needle: email }));
  });

  it('is silent about tokens, torn files and absent paths', async () => {
    const path = join(directory, 'part.parquet');
    await withDuckDb((connection) =>
      connection.run(`COPY (SELECT md5('${email}') AS email_token) TO '${path}' (FORMAT parquet)`),
    );
    const torn = (await readFile(path)).subarray(0, 40);
    await writeFile(join(directory, 'torn.parquet'), torn);
    expect(await searchStored([directory, join(directory, 'absent')], needles)).toEqual([]);
    expect(await searchStored([directory], [])).toEqual([]);
  });
});
