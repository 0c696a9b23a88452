/**
 * What users run, Kafka, Redis and an S3 server, on whichever stack runs them: as processes of this machine or in
 * containers. The warehouse's is that of the embedded stack. Apart from native.ts, which every role loads.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addressOf, type KafkaConnection, leaderOf } from '../ports/change-log/kafka.js';
import { type RedisConnection, setStoreClock } from '../ports/online-store/redis.js';
import { type PortName, portNames } from '../ports/ports.js';
import type { S3Tables } from '../ports/table-store/s3.js';
import type { Spawn } from '../processes/program-process.js';
import type { MachineSupervisor, ProgramSpec } from '../processes/supervisor.js';
import { freePorts } from '../servers/free-ports.js';
import { type BrokerPlace, kafka } from '../servers/kafka.js';
import { type Found, type ListenAddress, loopback, notStarted, type ServerProgram } from '../servers/programs.js';
import { appendOnlyOf, redis } from '../servers/redis.js';
import { bucketsOf, endpointOf, newCredentials, region, versitygw } from '../servers/versitygw.js';
import type { NativeConnection } from './native.js';
import {
  emptiedServer,
  onlineStorePriority,
  serverNames,
  stackServer,
  startOwnServer,
  together,
} from './own-servers.js';
import type { BrokerCount, Stack, StackServer } from './stack.js';
import { readStoredBytes } from './stored-bytes.js';

/** All that a stack of them needs, whichever planes are to run on it. */
export const realServers = [kafka, redis, versitygw];

/** How a stack runs a program of others. */
export interface ServerHost {
  readonly stack: NativeConnection['stack'];
  readonly listenOn: ListenAddress;
  /** Rejects with what is missing, and the command that gets it. */
  find(program: ServerProgram<never>): Promise<Found>;
  /**
   * Resolves when it is ready; from then on it has its files and these ports, however often it dies. Without any it listens
   * on loopback of this machine, and reaches what does.
   */
  start(spec: ProgramSpec, program: ServerProgram<never>, ports: readonly number[]): Promise<void>;
  /** One that it has started. */
  serverOf(process: string): StackServer;
}

export interface StackOptions {
  readonly supervisor: MachineSupervisor;
  readonly directory: string;
  readonly uses: readonly PortName[];
  /** Of Kafka. */
  readonly brokers: BrokerCount;
}

interface Hosted extends StackOptions {
  readonly host: ServerHost;
  /** Told of each program which one was found. */
  readonly versions: Record<string, string>;
}

export async function startRealServers(host: ServerHost, options: StackOptions): Promise<Stack> {
  const { supervisor, directory, uses } = options;
  await mkdir(directory, { recursive: true });
  const versions: Record<string, string> = {};
  const hosted = { ...options, host, versions };
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
  const serverOf = (name: string) =>
    name === serverNames.warehouse ? stackServer(supervisor, name) : host.serverOf(name);
  const brokers = brokerNames(options.brokers).map((name) => ({ name, ...serverOf(name) }));
  return {
    connection: {
      stack: host.stack,
      changeLog,
      ...(onlineStore && { onlineStore }),
      ...(tables && { tables }),
      ...(warehouse !== undefined && { warehouse }),
    },
    storedPaths: served.filter((name) => name !== 'changeLog').map((name) => join(directory, serverNames[name])),
    storedBytes: () =>
      readStoredBytes(uses, (name) => {
        const folder = join(directory, serverNames[name]);
        return name === 'tables' ? join(bucketsOf(folder), bucket) : folder;
      }),
    versions,
    servers: {
      ...Object.fromEntries(served.map((name) => [name, serverOf(serverNames[name])])),
      ...(onlineStore && {
        onlineStore: emptiedServer(
          serverOf(serverNames.onlineStore),
          appendOnlyOf(join(directory, serverNames.onlineStore)),
        ),
      }),
      changeLog: brokers.length === 1 ? brokers[0]! : together(brokers),
    },
    brokers: {
      away: () => brokers.map(({ name }) => name).filter((name) => supervisor.lastEvent(name)?.kind !== 'ready'),
      async leaderOf(topic, partition) {
        const { port } = await leaderOf(changeLog, topic, partition);
        return brokers[changeLog.brokers.findIndex((broker) => addressOf(broker).port === port)]!;
      },
    },
  };
}

/** The processes: that of a single one has the name of its port, as all other servers have. */
function brokerNames(count: BrokerCount): readonly string[] {
  const name = serverNames.changeLog;
  return count === 1 ? [name] : Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);
}

/** Beside each other: none of three is ready before a second one has agreed with it who controls them. */
async function startKafka(hosted: Hosted): Promise<KafkaConnection> {
  const { directory, host } = hosted;
  const names = brokerNames(hosted.brokers);
  const ports = await freePorts(3 * names.length);
  const brokers = names.map((name, index): BrokerPlace => {
    const [port, controllerPort, peerPort] = ports.slice(3 * index) as [number, number, number];
    // In containers loopback is each one's own.
    const areApart = names.length > 1 && host.listenOn !== loopback;
    return { port, controllerPort, ...(areApart && { peer: { host: name, port: peerPort } }) };
  });
  await Promise.all(
    names.map((name, index) => {
      const settings = { directory: join(directory, name), host: host.listenOn, index, brokers };
      return startServer(hosted, kafka, settings, { name, port: brokers[index]!.port });
    }),
  );
  return { brokers: brokers.map(({ port }) => `127.0.0.1:${port}`), replication: brokers.length };
}

async function startRedis(hosted: Hosted): Promise<RedisConnection> {
  const { directory, host } = hosted;
  const name = serverNames.onlineStore;
  const [port] = (await freePorts(1)) as [number];
  const settings = { directory: join(directory, name), host: host.listenOn, port, appendfsync: 'no' } as const;
  await startServer(
    hosted,
    redis,
    settings,
    { name, port },
    { priority: onlineStorePriority, setClock: (origin) => setStoreClock({ port }, origin) },
  );
  return { port };
}

const bucket = 'tables';

async function startS3(hosted: Hosted): Promise<S3Tables> {
  const { directory, host } = hosted;
  const name = serverNames.tables;
  const [port] = (await freePorts(1)) as [number];
  const credentials = newCredentials();
  const credentialsFile = join(directory, 's3-credentials.json');
  await writeFile(credentialsFile, JSON.stringify(credentials), { mode: 0o600 });
  const settings = { directory: join(directory, name), host: host.listenOn, port, credentials };
  await startServer(hosted, versitygw, settings, { name, port });
  const tables = {
    endpoint: endpointOf(port),
    region,
    bucket,
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
  { host, versions }: Hosted,
  program: ServerProgram<Settings>,
  settings: Settings,
  { name, port }: { readonly name: string; readonly port: number },
  more: Pick<ProgramSpec, 'setClock' | 'priority'> = {},
): Promise<void> {
  const found = await host.find(program);
  versions[program.name] = found.version;
  const spawn: Spawn = await program.prepare(found, settings);
  try {
    const isReady = () => program.isReady(settings);
    await host.start({ name, kind: 'server', restart: true, spawn, isReady, ...more }, program, [port]);
  } catch (error) {
    throw notStarted(program, found, { port, spawn, error });
  }
}
