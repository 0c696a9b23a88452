/** The online store on Redis: commands and functions of the server, called over one connection in the order of the calls. */
import { createRequire } from 'node:module';
import type { Redis } from 'ioredis';
import { type ClockOrigin, hostClock, monotonicNs, withDeadline } from '../../clock.js';
import { CallError, messageOf, RefusedCall } from '../../errors.js';
import { secretNames, secretOf, type Tls, tlsOptions } from '../secrets.js';
import type { OnlineStore, StoredRow } from './port.js';
import { storeNames } from './redis-functions.js';
import { checkColumns, checkKeys, checkValues } from './row-batch.js';
import { packParts, recordHeaderBytes, unpackKeys, unpackRows, viewKeyBlock, viewRecordBlock } from './row-blocks.js';

/** After this, a call is given up. */
const timeoutUs = 5_000_000;
const callLimitBytes = 64 * 1024 * 1024;
const clockReadEveryUs = 100_000;

/** Plain data, without a secret. */
export interface RedisConnection {
  readonly port: number;
  /** Absent: this machine's, and nobody has to say who he is. */
  readonly host?: string;
  readonly tls?: Tls;
  /** Signs in, by the password of the environment; `default` is the user of a server that has but a password. */
  readonly username?: string;
  /** Of the functions and keys, where others have theirs. */
  readonly library?: string;
}

export function connectOnlineStore(to: RedisConnection): OnlineStore {
  const where = placeOf(to);
  const { functions, put, now, scan, clockKey, rowsKey, namesKey } = storeNames(to.library);
  /** Ready once our functions are in its server. Null when there is none, and the next call makes one. */
  let session: { readonly redis: Redis; readonly ready: Promise<void> } | null = null;
  let closed = false;

  const open = () => {
    const redis = connection(to);
    let cause: unknown;
    const mine = { redis, ready: becomeReady() };
    redis.on('error', (error) => {
      cause = error;
    });
    redis.on('close', () => {
      if (session === mine) session = null;
    });
    return mine;

    async function becomeReady(): Promise<void> {
      const late = () => new Error(`not ready within ${timeoutUs / 1000} ms`);
      try {
        await withDeadline(hostClock, timeoutUs, redis.connect(), late);
        await redis.call('FUNCTION', 'LOAD', 'REPLACE', functions);
      } catch (error) {
        redis.disconnect();
        throw cause ?? error;
      }
    }
  };

  const call = async (operation: string, command: string, ...args: (string | number | Buffer)[]): Promise<unknown> => {
    const fail = (outcome: CallError['outcome'], reason: string, cause?: unknown) =>
      new CallError(
        outcome,
        `'${operation}' to ${where}: ${reason}${outcome === 'failed' ? '' : '; it may or may not have taken effect'}`,
        { cause },
      );
    if (closed) throw fail('failed', 'the client is closed');
    session ??= open();
    const { redis, ready } = session;
    try {
      await ready;
    } catch (error) {
      throw fail('failed', `no connection could be made (${messageOf(error)})`, error);
    }
    if (redis.status !== 'ready') throw fail('failed', 'the connection was lost before the call was sent');
    try {
      return await redis.callBuffer(command, ...args);
    } catch (error) {
      // An error that Redis answers comes before its function wrote anything: what a call may hold is checked here.
      const answered = error instanceof Error && error.name === 'ReplyError';
      if (!answered) {
        // Later calls would wait behind this one: the next of them opens another connection.
        if (session?.redis === redis) session = null;
        redis.disconnect();
      }
      throw fail(answered ? 'failed' : 'indeterminate', messageOf(error), error);
    }
  };

  /** The server's, as last read and gone on with since: for a clock that is set but once, a moment is early enough. */
  let lastRead: { readonly eventUs: number; readonly hostUs: number; readonly rate: number } | null = null;
  const eventTimeUs = async (): Promise<number> => {
    const hostUs = hostClock.nowUs();
    if (lastRead === null || hostUs - lastRead.hostUs > clockReadEveryUs) {
      const body = alignedCopy(await call('get', 'FCALL_RO', now, 1, clockKey));
      const [eventUs, rate] = new Float64Array(body.buffer) as unknown as [number, number];
      lastRead = { eventUs, hostUs: hostClock.nowUs(), rate };
    }
    return lastRead.eventUs + lastRead.rate * (hostClock.nowUs() - lastRead.hostUs);
  };

  return {
    async put(table, rows) {
      checkColumns(table, rows);
      const count = rows.keys.length;
      if (count === 0) return { written: 0, stale: 0 };
      checkKeys('put', where, rows.keys);
      checkValues(where, rows.values);
      const parts = packParts(rows);
      const bytes = parts.reduce((sum, { pairs }) => sum + pairs.length, 0);
      if (bytes > callLimitBytes)
        throw new RefusedCall(`'put' to ${where}: ${bytes} bytes; expected ${callLimitBytes} at most`);
      const keys = [rowsKey(table), namesKey(table), clockKey];
      const args = parts.flatMap((part) => [part.count, part.pairs]);
      const written = (await call('put', 'FCALL', put, keys.length, ...keys, ...args)) as number;
      return { written, stale: count - written };
    },
    async get(table, keys) {
      const count = keys.length;
      if (count === 0) return [];
      checkKeys('get', where, keys);
      const records = (await call('get', 'HMGET', rowsKey(table), ...keys)) as (Buffer | null)[];
      const { rows, expiresUs } = rowsOf(records);
      if (expiresUs.every((us) => us === Number.POSITIVE_INFINITY)) return rows;
      const nowUs = await eventTimeUs();
      return rows.map((row, i) => (expiresUs[i]! < nowUs ? null : row));
    },
    async scan(table, after, limit) {
      const keys = [rowsKey(table), namesKey(table), clockKey];
      const behind = after === null ? '-' : `(${after}`;
      const answer = await call('scan', 'FCALL_RO', scan, keys.length, ...keys, limit, behind);
      const [count, nameBlock, recordBlock] = answer as [number, Buffer, Buffer];
      const names = alignedCopy(nameBlock, 8);
      const records = alignedCopy(recordBlock);
      const rows = unpackRows(records, viewRecordBlock(records, 0, count));
      return unpackKeys(names, viewKeyBlock(names, 0, count)).map((key, i) => ({ key, ...rows[i]! }));
    },
    async drop(table) {
      // Out of reach in one step; their memory is freed by another thread of the server.
      await call('drop', 'UNLINK', rowsKey(table), namesKey(table));
    },
    async tables() {
      // A key a table: as many as there are tables, whatever they hold.
      const found = (await call('tables', 'KEYS', rowsKey('*'))) as Buffer[];
      return found.map((key) => key.toString().slice(rowsKey('').length));
    },
    async close() {
      closed = true;
      session?.redis.disconnect();
    },
  };
}

/** Whether Redis answers there; false also while it still loads what it holds. */
export async function pingRedis(to: RedisConnection): Promise<boolean> {
  return withRedis(to, async (redis) => (await redis.ping()) === 'PONG').catch(() => false);
}

/** Sets the event clock by which rows expire. It is kept, as rows are. */
export async function setStoreClock(to: RedisConnection, { epochUs, zeroNs, offUs = 0 }: ClockOrigin): Promise<void> {
  const { clockKey } = storeNames(to.library);
  await withRedis(to, async (redis) => {
    const [seconds, micros] = (await redis.time()) as unknown as [number, number];
    const hostUs = Number(seconds) * 1e6 + Number(micros);
    const zeroUs = zeroNs === null ? -1 : hostUs - Number((monotonicNs() - zeroNs) / 1000n);
    await redis.set(clockKey, Buffer.from(Float64Array.of(epochUs + offUs, zeroUs).buffer));
  });
}

export async function withRedis<T>(to: RedisConnection, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = connection(to);
  let cause: unknown;
  redis.on('error', (error) => {
    cause = error;
  });
  try {
    await redis.connect();
    return await work(redis);
  } catch (error) {
    throw cause ?? error;
  } finally {
    redis.disconnect();
  }
}

const ownHost = '127.0.0.1';
export const placeOf = ({ host = ownHost, port }: RedisConnection): string => `redis at ${host}:${port}`;

/** Loaded when it is needed: roles of other stacks do without. */
const load = createRequire(import.meta.url);

/** One that is lost stays lost: whoever calls decides whether to repeat, since only he knows whether that is harmless. */
function connection({ port, host = ownHost, tls, username }: RedisConnection): Redis {
  const { Redis: Client } = load('ioredis') as typeof import('ioredis');
  return new Client({
    host,
    port,
    ...(tls && { tls: tlsOptions(tls) }),
    ...(username !== undefined && { username, password: secretOf(secretNames.redis[0]) }),
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: null,
    enableOfflineQueue: false,
    connectTimeout: timeoutUs / 1000,
    commandTimeout: timeoutUs / 1000,
    disableClientInfo: true,
  });
}

/** Of records as they are stored, each copied to where what lies at a multiple of 8 does so in memory, too. */
function rowsOf(records: readonly (Buffer | null)[]): { rows: (StoredRow | null)[]; expiresUs: number[] } {
  let bytes = 0;
  for (const record of records) if (record) bytes += (record.length + 7) & ~7;
  const memory = new ArrayBuffer(bytes);
  const copies = new Uint8Array(memory);
  const header = new Float64Array(memory);
  const rows = new Array<StoredRow | null>(records.length);
  const expiresUs = new Array<number>(records.length);
  let at = 0;
  for (let i = 0; i < records.length; i++) {
    const record = records[i];
    if (!record) {
      rows[i] = null;
      expiresUs[i] = Number.POSITIVE_INFINITY;
      continue;
    }
    copies.set(record, at);
    const value = new Uint8Array(memory, at + recordHeaderBytes, record.length - recordHeaderBytes);
    rows[i] = { seq: header[at / 8]!, asOfUs: header[at / 8 + 1]!, value };
    expiresUs[i] = header[at / 8 + 2]!;
    at += (record.length + 7) & ~7;
  }
  return { rows, expiresUs };
}

/** In memory of its own, so that what lies at a multiple of 8 in the block does so in memory, too. */
function alignedCopy(answer: unknown, multiple = 1): Uint8Array {
  const bytes = answer as Buffer;
  const copy = new Uint8Array(Math.ceil(bytes.length / multiple) * multiple);
  copy.set(bytes);
  return copy;
}
