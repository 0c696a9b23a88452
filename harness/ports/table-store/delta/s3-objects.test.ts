/** Objects on a server that loses answers, breaks off and refuses, as it is told: what is known then, and what was sent. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CallError } from '../../../errors.js';
import type { RequestKind } from '../object-requests.js';
import { type FakeS3, startFakeS3 } from './fixture-s3-fake.js';
import type { Reading } from './object-store.js';
import { connectS3, type S3Connection } from './s3-client.js';
import { s3Objects } from './s3-objects.js';

let s3: FakeS3;
let directory: string;
let counted: [RequestKind, number][];
let connection: S3Connection;
let objects: ReturnType<typeof s3Objects>;
const secret = { accessKeyId: 'an access key', secretAccessKey: 'a secret key' };

beforeEach(async () => {
  s3 = await startFakeS3();
  directory = await mkdtemp(join(tmpdir(), 'planebench-s3-'));
  counted = [];
  open(s3.endpoint);
});
afterEach(async () => {
  connection.close();
  await s3.close();
  await rm(directory, { recursive: true, force: true });
});

function open(endpoint: string, keptBytes = 10): void {
  const count = (kind: RequestKind, bytes: number) => void counted.push([kind, bytes]);
  connection = connectS3({ endpoint, region: 'x', credentials: secret }, { count });
  objects = s3Objects(connection, { endpoint, bucket: 'b', prefix: 'p/' }, { directory, keptBytes });
}

const outcomeOf = (call: Promise<unknown>) =>
  call.then(
    (answer) => answer,
    (error: CallError) => {
      expect(error).toBeInstanceOf(CallError);
      expect(error.message).not.toMatch(/an access key|a secret key/);
      return `${error.outcome}: ${error.message}`;
    },
  );

describe('put if absent', () => {
  test('is done again where the server says that another put was under way', async () => {
    s3.fates.push({ refused: 409 }, { refused: 409 });
    expect(await objects.putIfAbsent('t/1', 'mine')).toBe(true);
    expect(s3.asked).toEqual(['PUT', 'PUT', 'PUT']);
    s3.fates.push(...new Array(9).fill({ refused: 409 }));
    expect(await outcomeOf(objects.putIfAbsent('t/2', 'mine'))).toMatch(/^failed: .*409/);
  });

  test('answers whose object it is, though answers are lost', async () => {
    expect(await objects.putIfAbsent('t/1', 'mine')).toBe(true);
    expect(await objects.putIfAbsent('t/1', 'mine')).toBe(false);
    // It was put, and the answer lost: the next attempt finds one there, and it is that of the first.
    s3.fates.push({ doneBut: 'no answer' });
    expect(await objects.putIfAbsent('t/2', 'mine')).toBe(true);
    s3.fates.push({ doneBut: 500 });
    expect(await objects.putIfAbsent('t/3', 'mine')).toBe(true);
    // The same bytes, but of another put.
    s3.fates.push({ refused: 503 });
    expect(await objects.putIfAbsent('t/2', 'mine')).toBe(false);
    expect(s3.asked).toEqual(['PUT', 'PUT', 'PUT', 'PUT', 'HEAD', 'PUT', 'PUT', 'HEAD', 'PUT', 'PUT', 'HEAD']);
    expect(s3.objects.get('/b/p/t/2')?.body.toString()).toBe('mine');
  });

  test('says failed only if nothing was put for certain', async () => {
    s3.fates.push({ refused: 403 });
    expect(await outcomeOf(objects.putIfAbsent('t/1', 'x'))).toMatch(
      /^failed: S3 at http.*, bucket b: t\/1 was not put: 403 AccessDenied: as told\. Check the credentials/,
    );
    expect(s3.asked).toEqual(['PUT']);
    // Of what was refused with 500 four times nobody knows: the server may yet do it.
    s3.fates.push(...new Array(4).fill({ refused: 500 }));
    expect(await outcomeOf(objects.putIfAbsent('t/1', 'x'))).toMatch(/^indeterminate: .*t\/1 may yet be put: 500/);
    expect(s3.objects.size).toBe(0);
    await s3.close();
    connection.close();
    open(s3.endpoint);
    counted.length = 0;
    expect(await outcomeOf(objects.putIfAbsent('t/1', 'x'))).toMatch(
      /^failed: .*ECONNREFUSED 127.0.0.1:\d+ \(after 4 attempts\)/,
    );
    expect(counted, 'nothing was sent').toEqual([]);
    s3 = await startFakeS3();
  });

  test('cannot say whose it is while nobody answers', async () => {
    s3.fates.push({ doneBut: 'no answer' }, ...new Array(8).fill({ refused: 503 }));
    expect(await outcomeOf(objects.putIfAbsent('t/1', 'x'))).toMatch(/^indeterminate: .*may or may not have been put/);
  });
});

test('each attempt and each page is counted, with the bytes that went or came', async () => {
  s3.fates.push({ refused: 503 });
  await objects.put('t/a', '12345');
  for (const name of ['b', 'c', 'd', 'e', 'f/g', 'h/i']) await objects.put(`t/${name}`, 'x');
  expect(counted.slice(0, 3)).toEqual([
    ['put', 5],
    ['put', 5],
    ['put', 1],
  ]);
  counted.length = 0;
  s3.fates.push({ refused: 503 });
  expect(await objects.get('t/a')).toBe('12345');
  expect(await objects.get('t/none')).toBeNull();
  expect(counted.map(([kind]) => kind)).toEqual(['get', 'get', 'get']);
  expect(counted[1]).toEqual(['get', 5]);
  counted.length = 0;
  expect((await objects.list('t')).map(({ name, bytes }) => `${name} ${bytes}`)).toEqual([
    'a 5',
    'b 1',
    'c 1',
    'd 1',
    'e 1',
  ]);
  expect(counted.map(([kind]) => kind)).toEqual(['list', 'list', 'list']);
  expect((await objects.list('t', 'c')).map(({ name }) => name)).toEqual(['c', 'd', 'e']);
  expect(await objects.list('none')).toEqual([]);
  expect(await objects.folders('t')).toEqual(['f', 'h']);
  expect(await objects.folders()).toEqual(['t']);
  counted.length = 0;
  await objects.delete('t/a');
  await objects.delete('t/a');
  expect(counted.map(([kind]) => kind)).toEqual(['delete', 'delete']);
});

test('a server that stands still is asked again', async () => {
  s3.objects.set('/b/p/t/a', { body: Buffer.from('x'), id: '' });
  s3.fates.push('silence');
  expect(await objects.get('t/a')).toBe('x');
  expect(counted.map(([kind]) => kind)).toEqual(['get', 'get']);
});

describe('local files', () => {
  const readingOf = (): Reading => ({ fetchedBytes: null, usesCopies: false });
  async function publish(path: string, text: string): Promise<void> {
    const staged = await objects.stage();
    await writeFile(staged, text);
    await objects.publish(staged, path);
  }
  const textOf = async (path: string, reading: Reading) =>
    readFile((await objects.localFiles([path], reading))[0]!, 'utf8');

  test('what was put is at hand, and what was fetched is fetched once', async () => {
    await publish('t/a', 'aaaa');
    const [first, second] = [readingOf(), readingOf()];
    expect(await textOf('t/a', first)).toBe('aaaa');
    expect(first.fetchedBytes).toBe(0);
    open(s3.endpoint);
    expect(await Promise.all([textOf('t/a', first), textOf('t/a', second)])).toEqual(['aaaa', 'aaaa']);
    expect(first.fetchedBytes! + second.fetchedBytes!).toBe(4);
    expect(s3.asked.filter((kind) => kind === 'GET').length).toBe(1);
    const [none] = await objects.localFiles(['t/none'], first);
    expect(await stat(none!).catch(({ code }) => code)).toBe('ENOENT');
  });

  test('a body that breaks off is fetched again, as a whole', async () => {
    s3.objects.set('/b/p/t/a', { body: Buffer.alloc(100_000, 'x'), id: '' });
    s3.fates.push('half', 'half');
    const reading = readingOf();
    expect(await textOf('t/a', reading)).toBe('x'.repeat(100_000));
    expect(counted.map(([kind]) => kind)).toEqual(['get', 'get', 'get']);
    s3.fates.push('half', 'half', 'half');
    objects.forgetCopies();
    expect(await outcomeOf(objects.localFiles(['t/a'], readingOf()))).toMatch(/^failed: .*t\/a was not read/);
  });

  test('the least recently used go, but none that is being read', async () => {
    const reading = readingOf();
    await publish('t/a', 'aaaa');
    await publish('t/b', 'bbbb');
    const [held] = await objects.localFiles(['t/a'], reading);
    // Beyond the ten bytes that are kept: `b` goes, as `a` was read since.
    await publish('t/c', 'cccc');
    await expect.poll(files).toEqual(['aaaa', 'cccc']);
    await publish('t/d', 'd'.repeat(10));
    await expect.poll(files).toEqual(['aaaa']);
    // An object that goes meanwhile is read on.
    await objects.delete('t/a');
    expect(await readFile(held!, 'utf8')).toBe('aaaa');
    objects.release(reading);
    await expect.poll(files).toEqual([]);
  });

  async function files(): Promise<string[]> {
    const texts = (await readdir(directory)).map((name) => readFile(join(directory, name), 'utf8').catch(() => 'gone'));
    return (await Promise.all(texts)).sort();
  }
});
