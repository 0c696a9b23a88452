/**
 * Objects of a bucket of an S3 server, under a prefix. DuckDB reads and writes files, so data files are put from local
 * ones and fetched into local ones, as a whole; they never change, so what was put or fetched is kept, by its path, up
 * to so many bytes. An object that the server has acknowledged is as durable as it makes it.
 */
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile, rename, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { hostClock } from '../../../clock.js';
import { CallError } from '../../../errors.js';
import { keepFiles } from './kept-files.js';
import type { ListedObject, ObjectStore } from './object-store.js';
import { describeS3Error, type S3Connection, statusOf } from './s3-client.js';
import { discardStaged, openStaging } from './staging.js';

export interface S3Objects {
  readonly endpoint: string;
  readonly bucket: string;
  /** Empty, or with a slash at its end. */
  readonly prefix: string;
}

/** Metadata of an object that was put if there was none: which of several puts it is from. */
const putId = 'planebench-put';
const fetchesAtOnce = 16;
/** Of a put beside another of the same object; the pause before the next one doubles. */
const conflictsAtMost = 6;
const conflictPauseUs = 20_000;
/** Of a data file whose body broke off: the SDK tries again only until the first byte is there. */
const fetchAttempts = 3;

export function s3Objects(
  { client, put, mayHaveHappened }: S3Connection,
  place: S3Objects,
  local: { readonly directory: string; readonly keptBytes: number },
): ObjectStore & { forgetCopies(): void } {
  const { bucket: Bucket, prefix } = place;
  const stage = openStaging(local.directory);
  const kept = keepFiles(local.keptBytes);
  const at = (path: string) => ({ Bucket, Key: prefix + path });

  const failure = (done: string, error: unknown, outcome: CallError['outcome'] = 'failed') => {
    const hint = statusOf(error) === 403 ? ' Check the credentials and the rights of their user.' : '';
    return new CallError(
      outcome,
      `S3 at ${place.endpoint}, bucket ${Bucket}: ${done}: ${describeS3Error(error)}.${hint}`,
      { cause: error },
    );
  };

  async function putAny(path: string, Body: string | Uint8Array): Promise<void> {
    await put(new PutObjectCommand({ ...at(path), Body })).catch((error) => {
      const outcome = mayHaveHappened(error) ? 'indeterminate' : 'failed';
      throw failure(`${path} was not put`, error, outcome);
    });
  }

  async function putIfAbsent(path: string, text: string): Promise<boolean> {
    const id = randomUUID();
    for (let conflicts = 0; ; conflicts++) {
      try {
        await put(new PutObjectCommand({ ...at(path), Body: text, IfNoneMatch: '*', Metadata: { [putId]: id } }));
        return true;
      } catch (error) {
        // Another put of the same object was under way: nobody has won yet, and the service asks to do it again
        // (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
        if (statusOf(error) === 409 && !mayHaveHappened(error) && conflicts < conflictsAtMost) {
          await hostClock.sleep(conflictPauseUs << conflicts);
          continue;
        }
        const isThere = statusOf(error) === 412;
        if (!mayHaveHappened(error)) {
          if (isThere) return false;
          throw failure(`${path} was not put`, error);
        }
        // An answer was lost, or an attempt went on while the next one began: whose is the object that is there now?
        const winner = await idOf(path).catch((unseen) => {
          throw failure(`${path} may or may not have been put`, unseen, 'indeterminate');
        });
        if (winner !== null) return winner === id;
        throw failure(`${path} may yet be put`, error, 'indeterminate');
      }
    }
  }

  /** Of the put that an object is from; null if there is no object. */
  async function idOf(path: string): Promise<string | null> {
    try {
      const { Metadata = {} } = await client.send(new HeadObjectCommand(at(path)));
      return Metadata[putId] ?? '';
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw error;
    }
  }

  /** Every page of what lies directly in a folder. */
  async function* pages(folder: string, StartAfter?: string): AsyncIterable<ListObjectsV2CommandOutput> {
    const Prefix = folder === '' ? prefix : `${prefix}${folder}/`;
    let ContinuationToken: string | undefined;
    do {
      const page: ListObjectsV2CommandOutput = await client
        .send(
          new ListObjectsV2Command({
            Bucket,
            Prefix,
            Delimiter: '/',
            ...(StartAfter === undefined ? {} : { StartAfter: Prefix + StartAfter }),
            ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
          }),
        )
        .catch((error) => {
          throw failure(`${folder || 'the top folder'} was not listed`, error);
        });
      yield page;
      ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (ContinuationToken !== undefined);
  }

  /** Into a new local file; null if there is no such object. */
  async function fetch(path: string): Promise<{ readonly file: string; readonly bytes: number } | null> {
    const file = await stage();
    for (let attempt = 1; ; attempt++) {
      try {
        const { Body, ContentLength } = await client.send(new GetObjectCommand(at(path)));
        await pipeline(Body as Readable, createWriteStream(file));
        const { size } = await stat(file);
        if (ContentLength !== undefined && size !== ContentLength)
          throw new Error(`${size} of ${ContentLength} bytes came`);
        return { file, bytes: size };
      } catch (error) {
        if (statusOf(error) === 404) return null;
        if (statusOf(error) !== undefined || attempt === fetchAttempts) {
          await discardStaged(file);
          throw failure(`${path} was not read`, error);
        }
      }
    }
  }

  return {
    putIfAbsent,
    put: putAny,
    async get(path) {
      try {
        const { Body } = await client.send(new GetObjectCommand(at(path)));
        return (await Body?.transformToString('utf8')) ?? '';
      } catch (error) {
        if (statusOf(error) === 404) return null;
        throw failure(`${path} was not read`, error);
      }
    },
    async list(folder, from = '') {
      const listed: ListedObject[] = [];
      // A listing starts behind a name, which need not exist: behind the longest one that is before `from` for certain.
      for await (const { Contents = [] } of pages(folder, from === '' ? undefined : from.slice(0, -1))) {
        for (const { Key = '', Size = 0 } of Contents) {
          const name = nameOf(Key);
          if (name !== '' && name >= from) listed.push({ name, bytes: Size });
        }
      }
      return listed;
    },
    async folders(path = '') {
      const found: string[] = [];
      for await (const { CommonPrefixes = [] } of pages(path))
        for (const { Prefix = '' } of CommonPrefixes) found.push(nameOf(Prefix.slice(0, -1)));
      return found;
    },
    async delete(path) {
      kept.forget(path);
      await client.send(new DeleteObjectCommand(at(path))).catch((error) => {
        throw failure(`${path} was not deleted`, error);
      });
    },
    stage,
    async publish(staged, path) {
      const body = await readFile(staged);
      await putAny(path, body);
      const file = await stage();
      await rename(staged, file);
      kept.add(path, { file, bytes: body.length });
    },
    discard: discardStaged,
    async localFiles(paths, reading) {
      reading.fetchedBytes ??= 0;
      const files: string[] = [];
      for (let first = 0; first < paths.length; first += fetchesAtOnce) {
        const some = paths.slice(first, first + fetchesAtOnce).map(async (path) => {
          const copy = await kept.take(path, reading, () => fetch(path));
          reading.fetchedBytes = (reading.fetchedBytes ?? 0) + (copy?.fetchedBytes ?? 0);
          reading.usesCopies ||= copy?.fetchedBytes === 0;
          return copy?.file ?? stage();
        });
        files.push(...(await Promise.all(some)));
      }
      return files;
    },
    release: kept.release,
    forgetCopies: kept.forgetAll,
  };
}

const nameOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1);
