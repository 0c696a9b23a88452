/** A Redis in a container, for tests of what becomes of containers. */
import { join } from 'node:path';
import { freePorts } from '../servers/free-ports.js';
import { imageOf } from '../servers/images.js';
import { redis } from '../servers/redis.js';
import type { Scratch } from './scratch.js';
import type { MachineSupervisor } from './supervisor.js';

export async function startRedisContainer(
  supervisor: MachineSupervisor,
  scratch: Scratch,
  image: string,
  { at, ...place }: { readonly at?: number; readonly name?: string; readonly on?: 'peers' } = {},
): Promise<{ readonly port: number }> {
  const { name } = { name: 'redis', ...place };
  const port = at ?? ((await freePorts(1))[0] as number);
  const settings = { directory: join(scratch.directory, name), host: '0.0.0.0', port, appendfsync: 'no' } as const;
  const spawn = await redis.prepare({ path: imageOf(redis).path, version: image }, settings);
  await supervisor.startContainer({
    ...place,
    name,
    kind: 'server',
    restart: true,
    image,
    ports: [port],
    spawn,
    isReady: () => redis.isReady(settings),
  });
  return { port };
}
