/**
 * Servers that are yours: nothing is started but the warehouse, which is that of the embedded stack. A run is a guest
 * there. All that it makes has names of its own, which begin with `planebench_`; when it is over, what it stored is
 * brought home for the ledger, and nothing of it is left.
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClockOrigin } from '../clock.js';
import { HarnessError, messageOf } from '../errors.js';
import type { KafkaConnection } from '../ports/change-log/kafka.js';
import { checkBrokers, removeTopics } from '../ports/change-log/kafka-guest.js';
import { placeOf, type RedisConnection, setStoreClock } from '../ports/online-store/redis.js';
import { checkRedis, dumpStore, removeStore } from '../ports/online-store/redis-guest.js';
import type { PortName } from '../ports/ports.js';
import type { S3Tables } from '../ports/table-store/s3.js';
import type { MachineSupervisor } from '../processes/supervisor.js';
import type { ExternalServers } from './external-settings.js';
import { serverNames, stackServer, startOwnServer } from './own-servers.js';
import type { Stack } from './stack.js';

export const guestPrefix = 'planebench_';

export async function visitServers(options: {
  readonly supervisor: MachineSupervisor;
  readonly directory: string;
  readonly uses: readonly PortName[];
  readonly servers: ExternalServers;
}): Promise<Stack> {
  const { supervisor, directory, uses, servers } = options;
  const guest = `${guestPrefix}${randomBytes(4).toString('hex')}`;
  const stored = (port: PortName) => join(directory, serverNames[port]);
  await mkdir(directory, { recursive: true });
  const changeLog = brokersOf(servers, guest);
  const onlineStore = uses.includes('onlineStore') ? redisOf(servers, guest) : null;
  const tables = uses.includes('tables') ? bucketOf(servers, guest, join(directory, 'tables-cache')) : null;
  // Loaded here: who visits another stack needs no client.
  const { checkBucket } = await import('../ports/table-store/s3.js');
  await checkBrokers(changeLog);
  const redis = onlineStore && (await checkRedis(onlineStore));
  if (tables) await checkBucket(tables, servers.s3.prefix + guestPrefix);
  const warehouse = uses.includes('warehouse') ? await startOwnServer('warehouse', options) : undefined;
  if (onlineStore) await supervisor.tellTime((origin) => tellStore(onlineStore, origin));
  return {
    // To a client they are the servers of the native stack.
    connection: {
      stack: 'native',
      changeLog,
      ...(onlineStore && { onlineStore }),
      ...(tables && { tables }),
      ...(warehouse !== undefined && { warehouse }),
    },
    storedPaths: [
      ...(onlineStore ? [stored('onlineStore')] : []),
      ...(tables ? [stored('tables')] : []),
      ...(warehouse === undefined ? [] : [stored('warehouse')]),
    ],
    versions: {
      kafka: `at ${changeLog.brokers.join(', ')}`,
      ...(redis && { redis: `${redis} at ${servers.redis.host}` }),
      ...(tables && { s3: `at ${tables.endpoint}` }),
    },
    servers: warehouse === undefined ? {} : { warehouse: stackServer(supervisor, serverNames.warehouse) },
    async close() {
      const { moveObjects } = await import('../ports/table-store/s3-guest.js');
      const left = await Promise.allSettled([
        removeTopics(changeLog),
        onlineStore && bringRowsHome(onlineStore, stored('onlineStore')),
        tables && moveObjects(tables, stored('tables')),
      ]);
      const failures = left.flatMap((end) => (end.status === 'rejected' ? [messageOf(end.reason)] : []));
      if (failures.length > 0)
        throw new HarnessError(
          `not all that the run made on your servers could be taken away; it is named ${guest}, remove it by hand: ${failures.join('; ')}`,
        );
    },
  };
}

/** It needs to know event time for the rows whose time to live is over. */
async function tellStore(onlineStore: RedisConnection, origin: ClockOrigin): Promise<void> {
  await setStoreClock(onlineStore, origin).catch((error) => {
    throw new HarnessError(`the online store on ${placeOf(onlineStore)} was not told the time: ${messageOf(error)}`);
  });
}

/** Whether its rows could be kept or not, they do not stay. */
async function bringRowsHome(onlineStore: RedisConnection, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  try {
    await dumpStore(onlineStore, join(directory, 'rows'));
  } finally {
    await removeStore(onlineStore);
  }
}

export function brokersOf({ kafka }: ExternalServers, guest: string): KafkaConnection {
  const { brokers, replication, tls, sasl } = kafka;
  return { brokers, replication, prefix: `${guest}.`, security: { ...(tls && { tls }), ...(sasl && { sasl }) } };
}

export function redisOf({ redis }: ExternalServers, guest: string): RedisConnection {
  return { ...redis, library: guest };
}

export function bucketOf({ s3 }: ExternalServers, guest: string, cacheDirectory: string): S3Tables {
  return { ...s3, prefix: `${s3.prefix}${guest}/`, cacheDirectory };
}
