/** Each fault on the wire, by the real Toxiproxy before a server that echoes: it bites, on its link alone, and heals. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hostClock, monotonicUs } from '../clock.js';
import { freePorts } from './free-ports.js';
import { type Links, openLinks } from './links.js';
import { foundOrSkipped, type StartedProgram, startFound } from './program.fixture.js';
import { toxiproxy } from './toxiproxy.js';

const found = await foundOrSkipped(toxiproxy);

describe.skipIf(found === null)('links', () => {
  let directory: string;
  let program: StartedProgram;
  let echo: Server;
  let links: Links;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'planebench-links-'));
    const [port] = (await freePorts(1)) as [number];
    program = await startFound(toxiproxy, found!, { directory, port });
    echo = createServer((socket) => void socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const at = { server: 'echo', port: (echo.address() as { port: number }).port };
    links = await openLinks(port, [
      { client: 'stream', ...at },
      { client: 'serving', ...at },
    ]);
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });
  afterAll(async () => {
    echo?.close();
    await program?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  async function dial(client: string): Promise<Socket> {
    const socket = connect(links.portOf(client, 'echo'), '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  }

  /** How long it took until all of it came back, in microseconds; why not, if the connection ended before. */
  function ask(socket: Socket, bytes = 4): Promise<number | string> {
    const sinceUs = monotonicUs();
    return new Promise((resolve) => {
      let left = bytes;
      socket.on('data', (chunk) => {
        left -= chunk.length;
        if (left <= 0) resolve(monotonicUs() - sinceUs);
      });
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      socket.once('close', () => resolve('closed'));
      socket.write(Buffer.alloc(bytes, 'x'));
    });
  }
  const answers = async (client: string) => expect(await ask(await dial(client))).toEqual(expect.any(Number));

  test('a link is a way to its server', async () => {
    expect(links.links.map(({ client, server }) => `${client} ${server}`)).toEqual(['stream echo', 'serving echo']);
    await answers('stream');
    await answers('serving');
    expect(() => links.portOf('stream', 'kafka')).toThrow(
      'no link from stream to kafka; there are stream to echo, serving',
    );
    await expect(links.inject({ kind: 'reset' }, { server: 'kafka' })).rejects.toThrow(
      /No link is from anybody to kafka/,
    );
  });

  test('latency', async () => {
    const socket = await dial('stream');
    const fault = { kind: 'latency', latencyUs: 1_500_000, jitterUs: 0 } as const;
    const { heal, on } = await links.inject(fault, { client: 'stream' });
    expect(on.map(({ client }) => client)).toEqual(['stream']);
    const other = ask(await dial('serving'));
    expect(await ask(socket)).toBeGreaterThanOrEqual(1_500_000);
    expect(await other).toEqual(expect.any(Number));
    await heal();
    await heal();
    expect(await ask(await dial('stream'))).toBeLessThan(1_500_000);
    const everybody = await links.inject({ ...fault, latencyUs: 100_000 }, {});
    expect(everybody.on.length).toBe(2);
    const beside = await links.inject({ ...fault, latencyUs: 200_000 }, { client: 'stream' });
    expect(await ask(await dial('stream'))).toBeGreaterThanOrEqual(300_000);
    await beside.heal();
    await everybody.heal();
    const others = await links.inject(fault, { server: 'echo', except: 'stream' });
    expect(others.on.map(({ client }) => client)).toEqual(['serving']);
    await others.heal();
  });

  test('bandwidth', async () => {
    const { heal } = await links.inject({ kind: 'bandwidth', bytesPerSecond: 100 * 1024 }, { client: 'stream' });
    expect(await ask(await dial('stream'), 100 * 1024)).toBeGreaterThanOrEqual(700_000);
    await heal();
    await answers('stream');
  });

  test('timeout', async () => {
    const { heal } = await links.inject({ kind: 'timeout', afterUs: 200_000 }, { client: 'stream' });
    const sinceUs = monotonicUs();
    expect(await ask(await dial('stream'))).toMatch(/ECONNRESET|closed/);
    expect(monotonicUs() - sinceUs).toBeGreaterThanOrEqual(190_000);
    const busy = await dial('stream');
    let isOver = false;
    const ended = ask(busy, 1_000_000).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      busy.write('x');
      await hostClock.sleep(20_000);
    }
    expect(await ended, 'also one in use').toMatch(/ECONNRESET|EPIPE|closed/);
    await answers('serving');
    await heal();
    await answers('stream');
  });

  test('reset', async () => {
    const socket = await dial('stream');
    expect(await ask(socket)).toEqual(expect.any(Number));
    const { heal } = await links.inject({ kind: 'reset' }, { client: 'stream' });
    expect(await ask(socket)).toMatch(/ECONNRESET|EPIPE|closed/);
    await answers('serving');
    await heal();
    await answers('stream');
  });

  test('slow close', async () => {
    const { heal } = await links.inject({ kind: 'slow close', delayUs: 500_000 }, { client: 'stream' });
    const socket = await dial('stream');
    expect(await ask(socket)).toEqual(expect.any(Number));
    const sinceUs = monotonicUs();
    socket.end();
    await once(socket, 'close');
    expect(monotonicUs() - sinceUs).toBeGreaterThanOrEqual(490_000);
    await heal();
    await answers('stream');
  });

  test('partition', async () => {
    const socket = await dial('stream');
    expect(await ask(socket)).toEqual(expect.any(Number));
    const { heal } = await links.inject({ kind: 'partition' }, { client: 'stream', server: 'echo' });
    const [old, fresh] = [ask(socket), ask(await dial('stream'))];
    const silent = hostClock.sleep(300_000).then(() => 'silence');
    expect(await Promise.race([old, fresh, silent]), 'nobody is told').toBe('silence');
    await answers('serving');
    await heal();
    expect(await old).toBe('closed');
    expect(await fresh).toBe('closed');
    await answers('stream');
  });
});
