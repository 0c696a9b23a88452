/**
 * Starts what users run, as processes of this machine: Kafka, Redis and an S3 server. The warehouse's is that of the
 * embedded stack. Apart from native.ts, which every role loads.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../errors.js';
import type { KafkaConnection } from '../ports/change-log/kafka.js';
import { type RedisConnection, setStoreClock } from '../ports/online-store/redis.js';
import { type PortName, portNames } from '../ports/ports.js';
import type { S3Tables } from '../ports/table-store/s3.js';
import type { MachineSupervisor, ProgramSpec } from '../processes/supervisor.js';
import { freePorts } from '../servers/free-ports.js';
import { kafka } from '../servers/kafka.js';
import { demand, isFound, notStarted, type ServerProgram } from '../servers/programs.js';
import { redis } from '../servers/redis.js';
import { endpointOf, newCredentials, region, versitygw } from '../servers/versitygw.js';
import { serverNames, stackServer, startOwnServer } from './own-servers.js';
import type { Stack } from './stack.js';

interface NativeOptions {
  readonly supervisor: MachineSupervisor;
  readonly directory: string;
  readonly uses: readonly PortName[];
}

/** Told of each program which one was found. */
type Starting = NativeOptions & { readonly versions: Record<string, string> };

const programs = [kafka, redis, versitygw];

/** Before anything is started: every program that is missing, and what gets it. */
export async function demandPrograms(): Promise<void> {
  const found = await Promise.all(
    programs.map(async ({ name, isFor, find }) => ({ name, isFor, found: await find() })),
  );
  const missing = found.flatMap(({ name, isFor, found }) =>
    isFound(found) ? [] : [`${name} (${isFor}): ${found.missing} Get it: ${found.toGet}`],
  );
  if (missing.length > 0) throw new UsageError(`the stack native cannot be started here.\n${missing.join('\n')}`);
}

export async function startNative(asked: NativeOptions): Promise<Stack> {
  const { supervisor, directory, uses } = asked;
  const versions: Record<string, string> = {};
  const options: Starting = { ...asked, versions };
  await mkdir(directory, { recursive: true });
  const ifUsed = <T>(port: PortName, start: (of: Starting) => Promise<T>) =>
    uses.includes(port) ? start(options) : undefined;
  const [changeLog, onlineStore, tables, warehouse] = await Promise.all([
    // The harness itself appends the changes.
    startKafka(options),
    ifUsed('onlineStore', startRedis),
    ifUsed('tables', startS3),
    ifUsed('warehouse', () => startOwnServer('warehouse', options)),
  ]);
  const served = portNames.filter((name) => name === 'changeLog' || uses.includes(name));
  return {
    connection: {
      stack: 'native',
      changeLog,
      ...(onlineStore && { onlineStore }),
      ...(tables && { tables }),
      ...(warehouse !== undefined && { warehouse }),
    },
    storedPaths: served.filter((name) => name !== 'changeLog').map((name) => join(directory, serverNames[name])),
    versions,
    servers: Object.fromEntries(served.map((name) => [name, stackServer(supervisor, serverNames[name])])),
  };
}

async function startKafka(starting: Starting): Promise<KafkaConnection> {
  const { directory } = starting;
  const name = serverNames.changeLog;
  const [port, controllerPort] = (await freePorts(2)) as [number, number];
  const settings = { directory: join(directory, name), index: 0, brokers: [{ port, controllerPort }] };
  await startProgram(starting, kafka, settings, { name, port });
  return { brokers: [`127.0.0.1:${port}`], replication: 1 };
}

async function startRedis(starting: Starting): Promise<RedisConnection> {
  const { directory } = starting;
  const name = serverNames.onlineStore;
  const [port] = (await freePorts(1)) as [number];
  const settings = { directory: join(directory, name), port, appendfsync: 'no' } as const;
  await startProgram(
    starting,
    redis,
    settings,
    { name, port },
    { setClock: (origin) => setStoreClock({ port }, origin) },
  );
  return { port };
}

async function startS3(starting: Starting): Promise<S3Tables> {
  const { directory } = starting;
  const name = serverNames.tables;
  const [port] = (await freePorts(1)) as [number];
  const credentials = newCredentials();
  const credentialsFile = join(directory, 's3-credentials.json');
  await writeFile(credentialsFile, JSON.stringify(credentials), { mode: 0o600 });
  const settings = { directory: join(directory, name), port, credentials };
  await startProgram(starting, versitygw, settings, { name, port });
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

async function startProgram<Settings>(
  { supervisor, versions }: Starting,
  program: ServerProgram<Settings>,
  settings: Settings,
  { name, port }: { readonly name: string; readonly port: number },
  more: Pick<ProgramSpec, 'setClock'> = {},
): Promise<void> {
  const found = await demand(program);
  versions[program.name] = found.version;
  const spawn = await program.prepare(found, settings);
  try {
    await supervisor.startProgram({
      name,
      kind: 'server',
      restart: true,
      spawn,
      isReady: () => program.isReady(settings),
      ...more,
    });
  } catch (error) {
    throw notStarted(program, found, { port, spawn, error });
  }
}
