/** A Redis of the test's own; null, with a line that says so, where there is none on this machine. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClockOrigin } from '../../clock.js';
import { freePorts } from '../../servers/free-ports.js';
import { foundOrSkipped, type StartedProgram, startFound } from '../../servers/program.fixture.js';
import { redis } from '../../servers/redis.js';
import type { OnlineStore } from './port.js';
import { connectOnlineStore, setStoreClock } from './redis.js';

export interface RedisUnderTest extends StartedProgram {
  connect(): OnlineStore;
  close(): Promise<void>;
}

export async function findRedis(): Promise<((origin: ClockOrigin) => Promise<RedisUnderTest>) | null> {
  const found = await foundOrSkipped(redis);
  return (
    found &&
    (async (origin) => {
      const directory = await mkdtemp(join(tmpdir(), 'redis-'));
      const [port] = (await freePorts(1)) as [number];
      const setClock = (next: ClockOrigin) => setStoreClock({ port }, next);
      const server = await startFound(redis, found, { directory, port, appendfsync: 'no' }, { origin, setClock });
      return {
        ...server,
        connect: () => connectOnlineStore({ port }),
        async close() {
          await server.stop();
          await rm(directory, { recursive: true });
        },
      };
    })
  );
}
