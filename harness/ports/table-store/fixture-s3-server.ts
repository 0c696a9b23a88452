/** A real S3 server with a bucket, and in it a prefix a place, for the tests of tables on it. */
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../servers/free-ports.js';
import { type StartedProgram, startFound } from '../../servers/program.fixture.js';
import type { Found } from '../../servers/programs.js';
import { bucketsOf, endpointOf, newCredentials, region, versitygw } from '../../servers/versitygw.js';
import { createBucket, type S3Tables } from './s3.js';

export interface S3UnderTest {
  readonly server: StartedProgram;
  /** Where the server keeps the objects, as files. */
  readonly bucketDirectory: string;
  /** Where nothing is yet. */
  place(): S3Tables;
  close(): Promise<void>;
}

export async function startS3(found: Found): Promise<S3UnderTest> {
  const root = await mkdtemp(join(tmpdir(), 'planebench-s3-'));
  const credentials = newCredentials();
  const credentialsFile = join(root, 'credentials.json');
  await writeFile(credentialsFile, JSON.stringify(credentials), { mode: 0o600 });
  const [port] = (await freePorts(1)) as [number];
  const directory = join(root, 'server');
  await mkdir(directory);
  const server = await startFound(versitygw, found, { directory, port, credentials });
  const place = (): S3Tables => ({
    endpoint: endpointOf(port),
    region,
    bucket: 'tables',
    prefix: `${randomUUID()}/`,
    credentialsFile,
    cacheDirectory: join(root, 'cache'),
  });
  await createBucket(place());
  return {
    server,
    bucketDirectory: join(bucketsOf(directory), place().bucket),
    place,
    async close() {
      await server.stop();
      await rm(root, { recursive: true, force: true });
    },
  };
}
