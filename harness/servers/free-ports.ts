/** Ports of loopback that nobody has: for servers that cannot say which one they took. */
import { createServer } from 'node:net';
import { HarnessError } from '../errors.js';

/** All different, as each is kept until all are found; another program could still take one before its server does. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listen));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function listen(): Promise<ReturnType<typeof createServer>> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => reject(new HarnessError(`no free port on 127.0.0.1: ${error.message}`)));
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
