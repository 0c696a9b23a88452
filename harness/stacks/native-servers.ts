/**
 * Starts what users run, as processes of this machine: Kafka and Redis. Tables on the local disk and the warehouse's
 * server are those of the embedded stack. Apart from native.ts, which every role loads.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HarnessError, messageOf, UsageError } from '../errors.js';
import type { KafkaConnection } from '../ports/change-log/kafka.js';
import { type RedisConnection, setStoreClock } from '../ports/online-store/redis.js';
import type { PortName } from '../ports/ports.js';
import type { MachineSupervisor, ProgramSpec } from '../processes/supervisor.js';
import { freePorts } from '../servers/free-ports.js';
import { kafka } from '../servers/kafka.js';
import { demand, isFound, type ServerProgram } from '../servers/programs.js';
import { redis } from '../servers/redis.js';
import { serverNames, stackServer, startOwnServer } from './own-servers.js';
import type { Stack } from './stack.js';

interface NativeOptions {
  readonly supervisor: MachineSupervisor;
  readonly directory: string;
  readonly uses: readonly PortName[];
}

const programs = [kafka, redis];

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

export async function startNative(options: NativeOptions): Promise<Stack> {
  const { supervisor, directory, uses } = options;
  const tables = join(directory, 'tables');
  await mkdir(tables, { recursive: true });
  const isUsed = (port: PortName) => uses.includes(port);
  const [changeLog, onlineStore, warehouse] = await Promise.all([
    startKafka(options),
    isUsed('onlineStore') ? startRedis(options) : undefined,
    isUsed('warehouse') ? startOwnServer('warehouse', options) : undefined,
  ]);
  const served = (['changeLog', 'onlineStore', 'warehouse'] as const).filter(
    (name) => name === 'changeLog' || isUsed(name),
  );
  return {
    connection: {
      stack: 'native',
      changeLog,
      tables,
      ...(onlineStore && { onlineStore }),
      ...(warehouse !== undefined && { warehouse }),
    },
    storedPaths: [
      tables,
      ...served.filter((name) => name !== 'changeLog').map((name) => join(directory, serverNames[name])),
    ],
    servers: Object.fromEntries(served.map((name) => [name, stackServer(supervisor, serverNames[name])])),
  };
}

async function startKafka({ supervisor, directory }: NativeOptions): Promise<KafkaConnection> {
  const name = serverNames.changeLog;
  const [port, controllerPort] = (await freePorts(2)) as [number, number];
  const settings = { directory: join(directory, name), index: 0, brokers: [{ port, controllerPort }] };
  await startProgram(supervisor, kafka, settings, { name, port });
  return { brokers: [`127.0.0.1:${port}`], replication: 1 };
}

async function startRedis({ supervisor, directory }: NativeOptions): Promise<RedisConnection> {
  const name = serverNames.onlineStore;
  const [port] = (await freePorts(1)) as [number];
  const settings = { directory: join(directory, name), port, appendfsync: 'no' } as const;
  await startProgram(
    supervisor,
    redis,
    settings,
    { name, port },
    { setClock: (origin) => setStoreClock(port, origin) },
  );
  return { port };
}

async function startProgram<Settings>(
  supervisor: MachineSupervisor,
  program: ServerProgram<Settings>,
  settings: Settings,
  { name, port }: { readonly name: string; readonly port: number },
  more: Pick<ProgramSpec, 'setClock'> = {},
): Promise<void> {
  const found = await demand(program);
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
    throw new HarnessError(
      `${program.name} ${found.version} (${program.isFor}) did not start at 127.0.0.1:${port}, by ${spawn.command} in ${spawn.cwd}: ${messageOf(error)}\nTry it alone: npm run planebench -- doctor`,
    );
  }
}
