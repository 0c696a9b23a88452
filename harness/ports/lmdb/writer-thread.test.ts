import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, openEnvironment } from './environment.js';
import type { TallyWork } from './tally-writer.js';
import { startWriterThread, type WriterThread } from './writer-thread.js';

let directory: string;
let writer: WriterThread<TallyWork, number>;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'writer-thread-'));
  writer = await startWriterThread(new URL('./tally-writer.js', import.meta.url), directory);
});
afterAll(async () => {
  await writer.close();
  await rm(directory, { recursive: true });
});

test('work is done in order, and what throws is undone and refused without disturbing what follows', async () => {
  const results = await Promise.allSettled([
    writer.write({ add: 1 }),
    writer.write({ add: 10, thenThrow: 'no' }),
    writer.write({ add: 100 }),
  ]);
  expect(results).toMatchObject([
    { status: 'fulfilled', value: 1 },
    { status: 'rejected', reason: { message: 'no' } },
    { status: 'fulfilled', value: 101 },
  ]);
});

test('the starting thread sees each commit as soon as its work is answered', async () => {
  const root = openEnvironment(directory, 'process-safe');
  const tally = openDatabase(root, 'tally');
  for (let n = 1; n <= 20; n++) {
    const sum = await writer.write({ add: 1 });
    root.resetReadTxn();
    expect(Buffer.from(tally.get(Buffer.from('sum'))!).readDoubleLE(0)).toBe(sum);
  }
  await root.close();
});

test('memory that is given away is the thread’s from then on', async () => {
  const bytes = new Uint8Array(1000);
  await writer.write({ add: 0, bytes }, [bytes.buffer]);
  expect(bytes.length).toBe(0);
});
