/** Kafka, Redis and an S3 server as processes of this machine. */
import { UsageError } from '../errors.js';
import { demand, isFound, loopback } from '../servers/programs.js';
import { stackServer } from './own-servers.js';
import { realServers, type StackOptions, startRealServers } from './real-servers.js';
import type { Stack } from './stack.js';

/** Before anything is started: every program that is missing, and what gets it. */
export async function demandPrograms(): Promise<void> {
  const found = await Promise.all(
    realServers.map(async ({ name, isFor, find }) => ({ name, isFor, found: await find() })),
  );
  const missing = found.flatMap(({ name, isFor, found }) =>
    isFound(found) ? [] : [`${name} (${isFor}): ${found.missing} Get it: ${found.toGet}`],
  );
  if (missing.length > 0) throw new UsageError(`the stack native cannot be started here.\n${missing.join('\n')}`);
}

export function startNative(options: StackOptions): Promise<Stack> {
  const { supervisor } = options;
  return startRealServers(
    {
      stack: 'native',
      listenOn: loopback,
      find: demand,
      start: (spec) => supervisor.startProgram({ ...spec, kind: 'server', restart: true }),
      serverOf: stackServer,
    },
    options,
  );
}
