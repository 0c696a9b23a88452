/** Toxiproxy in a container: it reaches what listens on loopback of this machine, and is reached there. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { openScratch } from '../processes/scratch.js';
import { supervise } from '../processes/supervisor.js';
import { imageOrSkipped } from '../servers/program.fixture.js';
import { toxiproxy } from '../servers/toxiproxy.js';
import { containers } from './docker-servers.js';
import { wireStack } from './wires.js';

const image = await imageOrSkipped(toxiproxy);

it.skipIf(image === null)('a wire through a container carries, is cut, and carries again', async () => {
  const scratch = await openScratch();
  const supervisor = supervise({ lullStartUs: 0, restartDelayUs: 0, scratch });
  const echo = createServer((socket) => void socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const warehouse = (echo.address() as { port: number }).port;
  const wires = await wireStack(
    { stack: 'docker', changeLog: { brokers: [], replication: 1 }, warehouse },
    { host: containers(supervisor), directory: scratch.directory, clients: ['stream'] },
  );
  const through = wires.connectionOf('stream').warehouse as number;
  const ask = async () => {
    const socket = connect(through, '127.0.0.1').on('error', () => {});
    socket.write('hello');
    const answer = await once(socket, 'data').then(String, (error: NodeJS.ErrnoException) => error.code);
    socket.destroy();
    return answer;
  };
  expect(through).not.toBe(warehouse);
  expect(await ask()).toBe('hello');
  const cut = await wires.inject({ kind: 'reset' }, { server: 'warehouse' });
  expect(await ask()).toBe('ECONNRESET');
  await cut.heal();
  expect(await ask()).toBe('hello');
  expect(wires.version).toBe(image);
  echo.close();
  await supervisor.stopAll();
  await scratch.close();
});
