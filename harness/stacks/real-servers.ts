/**
 * What users run, Kafka, Redis and an S3 server, on whichever stack runs them: as processes of this machine or in
 * containers. The warehouse's is that of the embedded stack. Apart from native.ts, which every role loads.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HarnessError, messageOf } from '../errors.js';
import type { KafkaConnection } from '../ports/change-log/kafka.js';
import { type RedisConnection, setStoreClock } from '../ports/online-store/redis.js';
import { type PortName, portNames } from '../ports/ports.js';
import type { S3Tables } from '../ports/table-store/s3.js';
import type { Spawn } from '../processes/program-process.js';
import type { MachineSupervisor, ProgramSpec } from '../processes/supervisor.js';
import { freePorts } from '../servers/free-ports.js';
import { kafka } from '../servers/kafka.js';
import type { Found, ListenAddress, ServerProgram } from '../servers/programs.js';
import { redis } from '../servers/redis.js';
import { endpointOf, newCredentials, region, versitygw } from '../servers/versitygw.js';
import type { NativeConnection } from './native.js';
import { serverNames, stackServer, startOwnServer } from './own-servers.js';
import type { Stack } from './stack.js';

/** All that a stack of them needs, whichever planes are to run on it. */
export const realServers = [kafka, redis, versitygw];

/** How a stack runs a program of others. */
export interface ServerHost {
  readonly stack: NativeConnection['stack'];
  readonly listenOn: ListenAddress;
  /** Rejects with what is missing, and the command that gets it. */
  find(program: ServerProgram<never>): Promise<Found>;
  /** Resolves when it is ready; from then on it has these ports and its files, however often it dies. */
  start(
    spec: Omit<ProgramSpec, 'kind' | 'restart'>,
    program: ServerProgram<never>,
    ports: readonly number[],
  ): Promise<void>;
}

export interface StackOptions {
  readonly supervisor: MachineSupervisor;
  readonly directory: string;
  readonly uses: readonly PortName[];
}

interface Hosted extends StackOptions {
  readonly host: ServerHost;
}

export async function startRealServers(host: ServerHost, options: StackOptions): Promise<Stack> {
  const { supervisor, directory, uses } = options;
  await mkdir(directory, { recursive: true });
  const hosted = { ...options, host };
  const ifUsed = <T>(port: PortName, start: (of: Hosted) => Promise<T>) =>
    uses.includes(port) ? start(hosted) : undefined;
  const [changeLog, onlineStore, tables, warehouse] = await Promise.all([
    // The harness itself appends the changes.
    startKafka(hosted),
    ifUsed('onlineStore', startRedis),
    ifUsed('tables', startS3),
    ifUsed('warehouse', () => startOwnServer('warehouse', options)),
  ]);
  const served = portNames.filter((name) => name === 'changeLog' || uses.includes(name));
  return {
    connection: {
      stack: host.stack,
      changeLog,
      ...(onlineStore && { onlineStore }),
      ...(tables && { tables }),
      ...(warehouse !== undefined && { warehouse }),
    },
    storedPaths: served.filter((name) => name !== 'changeLog').map((name) => join(directory, serverNames[name])),
    servers: Object.fromEntries(served.map((name) => [name, stackServer(supervisor, serverNames[name])])),
  };
}

async function startKafka({ directory, host }: Hosted): Promise<KafkaConnection> {
  const name = serverNames.changeLog;
  const [port, controllerPort] = (await freePorts(2)) as [number, number];
  const settings = {
    directory: join(directory, name),
    host: host.listenOn,
    index: 0,
    brokers: [{ port, controllerPort }],
  };
  await startServer(host, kafka, settings, { name, port });
  return { brokers: [`127.0.0.1:${port}`], replication: 1 };
}

async function startRedis({ directory, host }: Hosted): Promise<RedisConnection> {
  const name = serverNames.onlineStore;
  const [port] = (await freePorts(1)) as [number];
  const settings = { directory: join(directory, name), host: host.listenOn, port, appendfsync: 'no' } as const;
  await startServer(host, redis, settings, { name, port }, { setClock: (origin) => setStoreClock(port, origin) });
  return { port };
}

async function startS3({ directory, host }: Hosted): Promise<S3Tables> {
  const name = serverNames.tables;
  const [port] = (await freePorts(1)) as [number];
  const credentials = newCredentials();
  const credentialsFile = join(directory, 's3-credentials.json');
  await writeFile(credentialsFile, JSON.stringify(credentials), { mode: 0o600 });
  const settings = { directory: join(directory, name), host: host.listenOn, port, credentials };
  await startServer(host, versitygw, settings, { name, port });
  const tables = {
    endpoint: endpointOf(port),
    region,
    bucket: 'tables',
    prefix: '',
    credentialsFile,
    cacheDirectory: join(directory, 'tables-cache'),
  };
  // Loaded here: whoever starts another stack needs no client.
  const { createBucket, checkBucket } = await import('../ports/table-store/s3.js');
  await createBucket(tables);
  await checkBucket(tables);
  return tables;
}

async function startServer<Settings>(
  host: ServerHost,
  program: ServerProgram<Settings>,
  settings: Settings,
  { name, port }: { readonly name: string; readonly port: number },
  more: Pick<ProgramSpec, 'setClock'> = {},
): Promise<void> {
  const found = await host.find(program);
  const spawn: Spawn = await program.prepare(found, settings);
  try {
    await host.start({ name, spawn, isReady: () => program.isReady(settings), ...more }, program, [port]);
  } catch (error) {
    throw new HarnessError(
      `${program.name} ${found.version} (${program.isFor}) did not start at 127.0.0.1:${port} on the stack ${host.stack}, by ${spawn.command} in ${spawn.cwd}: ${messageOf(error)}\nTry it alone: npm run planebench -- doctor`,
    );
  }
}
