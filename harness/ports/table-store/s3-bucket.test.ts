/** Places that tables cannot be kept in: one sentence each, before anything is written there. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { UsageError } from '../../errors.js';
import { type FakeS3, startFakeS3 } from './delta/fixture-s3-fake.js';
import { checkBucket, type S3Tables } from './s3.js';

let s3: FakeS3;
let directory: string;
beforeEach(async () => {
  s3 = await startFakeS3();
  directory = await mkdtemp(join(tmpdir(), 'planebench-s3-'));
  await writeFile(join(directory, 'credentials'), JSON.stringify({ accessKeyId: 'a', secretAccessKey: 'hidden' }));
});
afterEach(async () => {
  await s3.close();
  await rm(directory, { recursive: true, force: true });
});

const refusal = (over: Partial<S3Tables> = {}) =>
  checkBucket({
    endpoint: s3.endpoint,
    region: 'x',
    bucket: 'b',
    prefix: 'run 7/',
    credentialsFile: join(directory, 'credentials'),
    cacheDirectory: directory,
    ...over,
  }).then(
    () => null,
    (error: unknown) => {
      expect(error).toBeInstanceOf(UsageError);
      expect((error as Error).message).not.toContain('hidden');
      return (error as Error).message;
    },
  );

test('a bucket of a server that keeps its word will do, and is left as it was', async () => {
  s3.objects.set('/b/run 6/_delta_log/0', { body: Buffer.from('x'), id: '' });
  expect(await refusal()).toBeNull();
  expect(Array.from(s3.objects.keys())).toEqual(['/b/run 6/_delta_log/0']);
});

test('a server that ignores If-None-Match is refused', async () => {
  s3.isConditional = false;
  expect(await refusal()).toMatch(
    /^The bucket b \(prefix run 7\/\) of the S3 server at http:\S+ does not honour If-None-Match: \* on PUT: .*table commits would be lost\. Use a server that does/,
  );
  expect(s3.objects.size).toBe(0);
});

test('so is one that does not know it', async () => {
  s3.fates.push('served', 'served', ...new Array(8).fill({ refused: 501 }));
  expect(await refusal()).toMatch(/cannot be used: S3 at .*501 NotImplemented/);
});

test.each([
  ['PUT', /_probe\/\S+ was not put: 403 AccessDenied/, 0],
  ['GET', /_probe\/\S+ was not read: 403 AccessDenied/, 0],
  ['LIST', /it was not listed: 403 AccessDenied/, 0],
  ['DELETE', /_probe\/\S+ was not deleted: 403 AccessDenied/, 1],
] as const)('a user who may not %s there is refused, and what can be removed is', async (method, sentence, left) => {
  s3.forbidden.add(method);
  const said = await refusal();
  expect(said).toMatch(sentence);
  expect(said).toMatch(/^The bucket b .* cannot be used: .* A run puts, reads, lists and deletes objects there\.$/);
  expect(s3.objects.size).toBe(left);
});

test('a bucket that is not ours, not there or not for us is none', async () => {
  s3.objects.set('/b/run 7/notes.txt', { body: Buffer.from('x'), id: '' });
  expect(await refusal()).toMatch(/is not ours: run 7\/notes.txt is there\..*name an empty bucket, or a prefix/);
  expect(await refusal({ bucket: 'absent' })).toMatch(/there is no such bucket; create it, or name another/);
  s3.fates.push({ refused: 403 });
  expect(await refusal()).toMatch(/it belongs to somebody else, or the credentials are wrong/);
  expect(await refusal({ endpoint: 'http://127.0.0.1:9' })).toMatch(
    /ECONNREFUSED.* Is the server up, and the address right\?/,
  );
});
