/**
 * The S3 server of tables: versitygw, a gateway that keeps buckets as folders and objects as files under the same names
 * (https://github.com/versity/versitygw). Kept up, small, and of conditional puts that race exactly one wins, which a
 * table commit depends on. It answers when the file is there, not when it is on the disk: what it acknowledged outlives
 * its process, not the machine.
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { S3Credentials } from '../ports/table-store/delta/s3-client.js';
import { goProgram, type ListenAddress, loopback, type ServerProgram } from './programs.js';

export interface VersitygwSettings {
  /** Everything that it stores; on a file system with extended attributes. */
  readonly directory: string;
  /** The address that it listens on: loopback unless it says so. */
  readonly host?: ListenAddress;
  readonly port: number;
  readonly credentials: S3Credentials;
}

/** Any name will do, if the clients say the same. */
export const region = 'us-east-1';

export const versitygw: ServerProgram<VersitygwSettings> = {
  ...goProgram({
    name: 'versitygw',
    isFor: 'the S3 server of tables',
    package: 'github.com/versity/versitygw/cmd/versitygw',
    version: '1.8.0',
    needsGo: '1.25',
  }),
  async prepare({ path }, { directory, host = loopback, port, credentials }) {
    await mkdir(bucketsOf(directory), { recursive: true });
    return {
      command: path,
      args: ['--port', `${host}:${port}`, '--region', region, '--quiet', '--keep-alive', 'posix', bucketsOf(directory)],
      env: {
        ROOT_ACCESS_KEY_ID: credentials.accessKeyId,
        ROOT_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      },
      cwd: directory,
    };
  },
  async isReady({ port, credentials }) {
    // Loaded here: who only asks whether the program is there needs no client.
    const { listsBuckets } = await import('../ports/table-store/delta/s3-client.js');
    return listsBuckets({ endpoint: endpointOf(port), region, credentials });
  },
};

export const endpointOf = (port: number): string => `http://127.0.0.1:${port}`;

/** A folder a bucket, in it a file an object. */
export const bucketsOf = (directory: string): string => join(directory, 'buckets');

/** Of one start of a stack. */
export function newCredentials(): S3Credentials {
  return { accessKeyId: randomBytes(10).toString('hex'), secretAccessKey: randomBytes(20).toString('hex') };
}
