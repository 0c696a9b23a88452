/** A bucket that is not ours alone: what a guest has stored there is brought home, and taken away. */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import type { S3Connection } from './delta/s3-client.js';
import { connect, type S3Tables } from './s3.js';

const atOnce = 8;

/** Objects under the prefix, as files of a folder; then they are gone from the bucket. */
export function moveObjects(tables: S3Tables, directory: string): Promise<void> {
  const { bucket: Bucket, prefix } = tables;
  return takeAway(tables, async (Key, { client }) => {
    const path = join(directory, Key.slice(prefix.length));
    await mkdir(dirname(path), { recursive: true });
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    await pipeline(Body as Readable, createWriteStream(path));
  });
}

/** All objects under the prefix. */
export function removeObjects(tables: S3Tables): Promise<void> {
  return takeAway(tables, async () => {});
}

/** Names of the folders of the prefix that begin with `name`. */
export async function foldersOf(tables: S3Tables, name: string): Promise<string[]> {
  const connection = connect(tables);
  const folders = new Set<string>();
  try {
    // Only of those: a bucket of others may hold any number of objects.
    for await (const keys of pagesOf(connection, { ...tables, prefix: tables.prefix + name }))
      for (const key of keys) folders.add(key.slice(tables.prefix.length).split('/')[0] as string);
  } finally {
    connection.close();
  }
  return [...folders];
}

/** Deletes every object under the prefix, once `before` is done with it. */
async function takeAway(
  tables: S3Tables,
  before: (key: string, connection: S3Connection) => Promise<void>,
): Promise<void> {
  const connection = connect(tables);
  try {
    for await (const keys of pagesOf(connection, tables)) {
      for (let from = 0; from < keys.length; from += atOnce) {
        await Promise.all(
          keys.slice(from, from + atOnce).map(async (Key) => {
            await before(Key, connection);
            await connection.client.send(new DeleteObjectCommand({ Bucket: tables.bucket, Key }));
          }),
        );
      }
    }
  } finally {
    connection.close();
  }
}

/** Keys, page by page; what was deleted meanwhile is on no later page. */
async function* pagesOf({ client }: S3Connection, { bucket, prefix }: S3Tables): AsyncGenerator<string[]> {
  let token: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ...(token && { ContinuationToken: token }) }),
    );
    yield (page.Contents ?? []).flatMap(({ Key }) => Key ?? []);
    token = page.NextContinuationToken;
  } while (token !== undefined);
}
