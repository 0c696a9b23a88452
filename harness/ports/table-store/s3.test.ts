import { rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hostClock } from '../../clock.js';
import { CallError } from '../../errors.js';
import { foundOrSkipped } from '../../servers/program.fixture.js';
import { versitygw } from '../../servers/versitygw.js';
import type { Schema } from '../columns.js';
import { tableStoreContract } from './contract.js';
import { type S3UnderTest, startS3 } from './fixture-s3-server.js';
import type { TableStore } from './port.js';
import { checkBucket, openS3TableStore } from './s3.js';

const schema: Schema = [
  { name: 'writer', type: 'int', nullable: false },
  { name: 'commit', type: 'int', nullable: false },
];
const writers = 3;
const commits = 12;
const kills = 3;

const found = await foundOrSkipped(versitygw);

describe.skipIf(found === null)('tables on versitygw', () => {
  let s3: S3UnderTest;
  beforeAll(async () => {
    s3 = await startS3(found!);
  });
  afterAll(() => s3?.close());

  const share = process.env.PLANEBENCH_FULL_SIZE === '1' ? 1 : 0.1;
  tableStoreContract(
    'S3',
    () => {
      const tables = s3.place();
      return {
        // Who counts which files are read keeps none.
        open: (clock, client) =>
          openS3TableStore({ tables, clock, ...client, ...(client?.onRequest && { keptBytes: 0 }) }),
        destroy: async () => {},
      };
    },
    share,
  );

  test('a bucket of it will do', async () => {
    await checkBucket(s3.place());
  });

  test('of its death during commits nothing is lost that was committed, and nothing is there twice or torn', async () => {
    const tables = s3.place();
    const stores = Array.from({ length: writers }, () => openS3TableStore({ tables, clock: hostClock }));
    await stores[0]!.create('t', schema);
    const acknowledged = new Map<string, number>();
    let failures = 0;
    const write = async (store: TableStore, writer: number) => {
      for (let commit = 1; commit <= commits; commit++) {
        const rows = { rows: 5, columns: { writer: new Array(5).fill(writer), commit: new Array(5).fill(commit) } };
        const txns = [{ appId: `writer ${writer}`, version: commit }];
        for (;;) {
          try {
            const { committed, version } = await store.append('t', rows, txns);
            // Not committed: an attempt whose end was not known had been.
            if (committed) acknowledged.set(`${writer} ${commit}`, version);
            break;
          } catch (error) {
            expect(error).toBeInstanceOf(CallError);
            failures++;
          }
        }
      }
    };
    const done = Promise.all(stores.map(write));
    for (let kill = 1; kill <= kills; kill++) {
      while (acknowledged.size < (kill * writers * commits) / (kills + 1)) await hostClock.sleep(1_000);
      s3.server.kill();
      await hostClock.sleep(200_000);
      await s3.server.revive();
    }
    await done;
    expect(failures, 'the server was missed').toBeGreaterThan(0);
    const late = openS3TableStore({ tables, clock: hostClock });
    const newest = await late.snapshot('t');
    expect(newest.version).toBe(writers * commits);
    for (const [which, version] of acknowledged) {
      const state = await late.snapshot('t', version);
      expect(state.files.length, which).toBe(version);
    }
    const rows: string[] = [];
    for await (const page of late.scan(newest, { columns: ['writer', 'commit'] }))
      for (let i = 0; i < page.rows; i++) rows.push(`${page.columns.writer![i]} ${page.columns.commit![i]}`);
    const expected = stores.flatMap((_, writer) =>
      Array.from({ length: commits }, (_, i) => new Array(5).fill(`${writer} ${i + 1}`)).flat(),
    );
    expect(rows.sort()).toEqual(expected.sort());
    for (const store of [...stores, late]) await store.close();
  }, 120_000);

  test('a data file that is gone, or not as it was, is an error that names it', async () => {
    const tables = s3.place();
    const store = openS3TableStore({ tables, clock: hostClock });
    await store.create('t', schema);
    await store.append('t', { rows: 1, columns: { writer: [1], commit: [1] } }, []);
    const snapshot = await store.snapshot('t');
    await store.close();
    const path = snapshot.files[0]!.path;
    const file = join(s3.bucketDirectory, tables.prefix, 't', path);
    const read = async () => {
      const late = openS3TableStore({ tables, clock: hostClock });
      try {
        for await (const _ of late.scan(await late.snapshot('t'), { columns: ['writer'] }));
      } finally {
        await late.close();
      }
    };
    await read();
    await truncate(file, 100);
    await expect(read()).rejects.toThrow(`Table t, version 1: data file ${path} cannot be read as Parquet`);
    await rm(file);
    await expect(read()).rejects.toThrow(`Table t, version 1: data file ${path} is missing`);
  });
});
