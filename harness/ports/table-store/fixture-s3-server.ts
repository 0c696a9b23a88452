/** A real S3 server with a bucket, and in it a prefix a place, for the tests of tables on it. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, type ProgramUnderTest, startProgram } from '../../servers/fixture-program.js';
import { isFound } from '../../servers/programs.js';
import { endpointOf, newCredentials, region, versitygw } from '../../servers/versitygw.js';
import { createBucket, type S3Tables } from './s3.js';

export interface S3UnderTest {
  readonly server: ProgramUnderTest;
  readonly directory: string;
  /** Where nothing is yet. */
  place(): S3Tables;
  close(): Promise<void>;
}

/** Why there is none on this machine; null if there is one. */
export async function whyNoS3(): Promise<string | null> {
  const found = await versitygw.find();
  return isFound(found) ? null : `${found.missing} Get it: ${found.toGet}`;
}

export async function startS3(): Promise<S3UnderTest> {
  const directory = await mkdtemp(join(tmpdir(), 'planebench-s3-'));
  const credentials = newCredentials();
  const credentialsFile = join(directory, 'credentials.json');
  await writeFile(credentialsFile, JSON.stringify(credentials), { mode: 0o600 });
  const port = await freePort();
  const server = await startProgram(versitygw, { directory, port, credentials });
  const place = (): S3Tables => ({
    endpoint: endpointOf(port),
    region,
    bucket: 'tables',
    prefix: `${randomUUID()}/`,
    credentialsFile,
    cacheDirectory: join(directory, 'cache'),
  });
  await createBucket(place());
  return {
    server,
    directory,
    place,
    async close() {
      await server.kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
