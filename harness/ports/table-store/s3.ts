/** Tables in a bucket of an S3 server, shared by whoever may write to it. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { CreateBucketCommand, HeadBucketCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import type { Clock } from '../../clock.js';
import { CallError, messageOf, UsageError } from '../../errors.js';
import { secretNames, secretOf } from '../secrets.js';
import { connectS3, describeS3Error, type S3Connection, type S3Credentials, statusOf } from './delta/s3-client.js';
import { s3Objects } from './delta/s3-objects.js';
import { deltaTableStore } from './delta-table-store.js';
import type { CountRequest } from './object-requests.js';
import type { TableStore } from './port.js';

/** Plain data, without a secret. */
export interface S3Tables {
  /** With scheme and port. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Of the keys of all tables: empty, or with a slash at its end. */
  readonly prefix: string;
  /** JSON that only this user may read: `accessKeyId` and `secretAccessKey`. Absent: those of the environment. */
  readonly credentialsFile?: string;
  /** The bucket's name in the path, as servers of one's own have it (the default), or before the name of the host. */
  readonly pathStyle?: boolean;
  /** A local folder for files on their way, and for copies of those that were read. */
  readonly cacheDirectory: string;
}

/** Copies of one process. */
const usualKeptBytes = 512 * 2 ** 20;

export function openS3TableStore(options: {
  readonly tables: S3Tables;
  readonly clock: Clock;
  /** Of DuckDB; more than one takes processor time from the other roles of the host. */
  readonly threads?: number;
  readonly keptBytes?: number;
  /** Of each request that is really sent: attempts and pages count, copies that are at hand do not. */
  readonly onRequest?: CountRequest;
  /** Id of the run of which the files that are written shall tell. */
  readonly run?: string | undefined;
}): TableStore {
  const { tables, keptBytes = usualKeptBytes } = options;
  const connection = connect(tables, options.onRequest);
  const objects = s3Objects(connection, tables, { directory: tables.cacheDirectory, keptBytes });
  const store = deltaTableStore({ objects, clock: options.clock, threads: options.threads ?? 1, run: options.run });
  return {
    ...store,
    async close() {
      await store.close();
      objects.forgetCopies();
      connection.close();
    },
  };
}

export function connect(tables: S3Tables, count?: CountRequest): S3Connection {
  const { endpoint, region, credentialsFile, pathStyle } = tables;
  const credentials = async () =>
    credentialsFile === undefined
      ? credentialsOfEnvironment()
      : (JSON.parse(await readFile(credentialsFile, 'utf8')) as S3Credentials);
  return connectS3(
    { endpoint, region, credentials, ...(pathStyle !== undefined && { pathStyle }) },
    count ? { count } : {},
  );
}

function credentialsOfEnvironment(): S3Credentials {
  const [accessKeyId, secretAccessKey] = secretNames.s3.map(secretOf) as [string, string];
  const sessionToken = process.env.AWS_SESSION_TOKEN;
  return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) };
}

/** Of a server that a stack has started. */
export async function createBucket(tables: S3Tables): Promise<void> {
  const connection = connect(tables);
  try {
    await connection.client.send(new CreateBucketCommand({ Bucket: tables.bucket }));
  } catch (error) {
    throw new UsageError(`${placeOf(tables)} could not be created: ${describeS3Error(error)}.`, { cause: error });
  } finally {
    connection.close();
  }
}

/**
 * Before a run: the bucket is there, nothing lies where its tables will, and of puts that race for one name exactly one
 * wins. The whole commit protocol rests on that; a server that does not know `If-None-Match: *` may ignore it, and would
 * lose commits without a word. The probes are put, read and deleted as a run's objects will be. `ours`: beside tables that have the beginning of their keys in common others may lie.
 */
export async function checkBucket(tables: S3Tables, ours?: string): Promise<void> {
  const connection = connect(tables);
  try {
    await expectEmpty(connection, tables, ours);
    await expectOneWinner(connection, tables);
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    throw new UsageError(
      `${placeOf(tables)} cannot be used: ${messageOf(error)} A run puts, reads, lists and deletes objects there.`,
      { cause: error },
    );
  } finally {
    connection.close();
  }
}

async function expectEmpty({ client }: S3Connection, tables: S3Tables, ours?: string): Promise<void> {
  const { bucket: Bucket } = tables;
  const Prefix = ours === undefined ? tables.prefix : ours.slice(0, ours.lastIndexOf('/') + 1);
  try {
    await client.send(new HeadBucketCommand({ Bucket }));
  } catch (error) {
    const todo: Readonly<Record<number, string>> = {
      403: 'it belongs to somebody else, or the credentials are wrong',
      404: 'there is no such bucket; create it, or name another',
    };
    const reason = todo[statusOf(error) ?? 0] ?? `${describeS3Error(error)}. Is the server up, and the address right?`;
    throw new UsageError(`${placeOf(tables)} cannot be used: ${reason}`, { cause: error });
  }
  const { Contents = [], CommonPrefixes = [] } = await client
    .send(new ListObjectsV2Command({ Bucket, Prefix, Delimiter: '/' }))
    .catch((error: unknown) => {
      throw new CallError('failed', `it was not listed: ${describeS3Error(error)}.`, { cause: error });
    });
  const there = [...Contents.map(({ Key }) => Key), ...CommonPrefixes.map((folder) => folder.Prefix)];
  const first = there.find((key) => ours === undefined || !key?.startsWith(ours));
  if (first === undefined) return;
  throw new UsageError(
    `${placeOf(tables)} is not ours: ${first} is there. A run begins with no tables; name an empty bucket, or a prefix of which there is nothing.`,
  );
}

const rounds = 3;
const racers = 8;

async function expectOneWinner(connection: S3Connection, tables: S3Tables): Promise<void> {
  const objects = s3Objects(connection, tables, { directory: tables.cacheDirectory, keptBytes: 0 });
  for (let round = 0; round < rounds; round++) {
    const path = `_probe/${randomUUID()}`;
    const race = Array.from({ length: racers }, (_, i) => objects.putIfAbsent(path, `racer ${i}`));
    const ended = await Promise.allSettled(race);
    const late = await Promise.allSettled([objects.putIfAbsent(path, 'too late')]);
    const read = await Promise.allSettled([objects.get(path)]);
    await objects.delete(path);
    const broken = [...ended, ...late, ...read].find((end) => end.status === 'rejected');
    if (broken) throw broken.reason;
    const winners = ended.filter((end) => end.status === 'fulfilled' && end.value).length;
    const isLateRefused = late.every((end) => end.status === 'fulfilled' && !end.value);
    if (winners === 1 && isLateRefused) continue;
    throw new UsageError(
      `${placeOf(tables)} does not honour If-None-Match: * on PUT: ${isLateRefused ? `${winners} of ${racers} puts of one name won` : 'an object that is there was replaced'}, and table commits would be lost. Use a server that does (Amazon S3, versitygw 1.8 or newer), or update this one.`,
    );
  }
}

const placeOf = ({ endpoint, bucket, prefix }: S3Tables): string =>
  `The bucket ${bucket}${prefix === '' ? '' : ` (prefix ${prefix})`} of the S3 server at ${endpoint}`;
