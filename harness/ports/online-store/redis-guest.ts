/** A Redis that is not ours: whether it will do, asked before anything is, and what a guest takes away again. */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Redis } from 'ioredis';
import { messageOf, UsageError } from '../../errors.js';
import { secretNames } from '../secrets.js';
import { connectOnlineStore, placeOf, type RedisConnection, withRedis } from './redis.js';
import { storeNames } from './redis-functions.js';

/** The first with functions (FUNCTION LOAD). */
const oldestMajor = 7;

/** Every step that a run takes, once, under names of its own; resolves with the version. Rejects with UsageError. */
export async function checkRedis(to: RedisConnection): Promise<string> {
  const store = connectOnlineStore(to);
  let isMade = false;
  try {
    const version = await withRedis(to, versionOf);
    isMade = true;
    await store.put('trial', { keys: ['k'], seqs: [1], asOfUs: [1], values: [Uint8Array.of(1)] });
    const [row] = await store.get('trial', ['k']);
    if (row?.seq !== 1) throw new Error('a row that was acknowledged is not read again');
    await removeStore(to);
    return version;
  } catch (error) {
    const left = isMade ? await removeStore(to).catch(messageOf) : undefined;
    if (error instanceof UsageError) throw error;
    throw new UsageError(
      `the online store on ${placeOf(to)} cannot be used: ${messageOf(error)}. Check host, port, tls${to.tls ? '' : ' (none is named)'}, username${to.username === undefined ? ' (none is named)' : ''} and ${secretNames.redis[0]}; the user has to be allowed to load and delete functions, and to use keys that begin with ${to.library}${left === undefined ? '' : `. What was made there could not be removed: ${left}`}`,
      { cause: error },
    );
  } finally {
    await store.close();
  }
}

async function versionOf(redis: Redis): Promise<string> {
  const info = await redis.info();
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  const version = field('redis_version') ?? 'of no version';
  if (Number.parseInt(version, 10) < oldestMajor)
    throw new Error(`it is Redis ${version}, and functions need ${oldestMajor}.0 or newer`);
  if (field('cluster_enabled') === '1')
    throw new Error('it is part of a cluster, which would spread a table over its members: name a single server');
  return version;
}

/** Writes all that is stored to a file, as it lies there. */
export async function dumpStore(to: RedisConnection, path: string): Promise<void> {
  const { everyKey } = storeNames(to.library);
  await withRedis(to, async (redis) => {
    async function* rows(): AsyncIterable<Buffer> {
      for await (const keys of redis.scanStream({ match: everyKey })) {
        for (const key of keys as string[]) {
          if ((await redis.type(key)) !== 'hash') continue;
          for await (const fields of redis.hscanBufferStream(key, { count: 1_000 }))
            yield Buffer.concat(fields as Buffer[]);
        }
      }
    }
    await pipeline(rows, createWriteStream(path));
  });
}

/** Names of all libraries of functions, and of all keys, that begin with `prefix`. */
export async function namesIn(to: RedisConnection, prefix: string): Promise<string[]> {
  return withRedis(to, async (redis) => {
    const names = new Set<string>();
    for await (const keys of redis.scanStream({ match: `${prefix}*` }))
      for (const key of keys as string[]) names.add(key);
    const libraries = (await redis.call('FUNCTION', 'LIST', 'LIBRARYNAME', `${prefix}*`)) as unknown[][];
    for (const library of libraries) names.add(String(library[library.indexOf('library_name') + 1]));
    return [...names];
  });
}

/** All keys and functions under the names of the connection. */
export async function removeStore(to: RedisConnection): Promise<void> {
  const { library, everyKey } = storeNames(to.library);
  if (to.library === undefined) throw new Error('only what has names of its own is removed');
  await withRedis(to, async (redis) => {
    for await (const keys of redis.scanStream({ match: everyKey })) {
      if (keys.length > 0) await redis.unlink(...(keys as string[]));
    }
    await redis.call('FUNCTION', 'DELETE', library).catch((error: unknown) => {
      if (!messageOf(error).includes('Library not found')) throw error;
    });
  });
}
