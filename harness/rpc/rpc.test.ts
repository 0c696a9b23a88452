import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { hostClock } from '../clock.js';
import { CallError } from '../errors.js';
import { type StartedChild, startChild } from '../processes/child-process.js';
import { connectRpc, type RpcClient } from './client.js';
import { encodeFrame, type Frame, frameLimitBytes, frameReader } from './frames.js';
import { serveRpc } from './server.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startEcho(port = 0): Promise<{ child: StartedChild; port: number }> {
  const child = startChild({
    name: 'echo server',
    module: new URL('./echo-server.js', import.meta.url),
    init: { port },
    origin: { epochUs: 0, zeroNs: 0n },
  });
  cleanups.push(() => child.stop());
  return { child, port: ((await child.ready) as { port: number }).port };
}

function connectTo(port: number, timeoutUs = 30_000_000): RpcClient {
  const client = connectRpc({ port, timeoutUs, name: 'echo server' });
  cleanups.push(() => client.close());
  return client;
}

async function errorOf(work: Promise<unknown>): Promise<CallError> {
  const error = await work.then(
    () => new Error('expected a CallError, but the call succeeded'),
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(CallError);
  return error as CallError;
}

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

describe('calls', () => {
  test('carry head and body there and back, whatever their sizes', async () => {
    const client = connectTo((await startEcho()).port);
    for (const bytes of [0, 1, 7, 8, 4095, 4096, 4097, 65_536, 8_000_001]) {
      const body = Uint8Array.from({ length: bytes }, (_, i) => (i * 31) & 255);
      const head = { text: 'ü\n"€', numbers: [1, 2.5, null, true], bytes };
      const answer = await client.call('echo', { head, body });
      expect(answer.head).toEqual(head);
      expect(Buffer.compare(answer.body, body)).toBe(0);
      expect(answer.body.byteOffset % 8).toBe(0);
    }
  });

  test('view columns in place on arrival, behind a head of any length', async () => {
    const client = connectTo((await startEcho()).port);
    const numbers = Float64Array.from({ length: 1000 }, (_, i) => i);
    for (const head of ['', 'a', 'ab', 'abcdefg']) {
      const { head: sum } = await client.call('sum', { head, body: new Uint8Array(numbers.buffer) });
      expect(sum).toBe(499_500);
    }
  });

  test('are answered each with its own answer when ten thousand are in flight', async () => {
    const client = connectTo((await startEcho()).port);
    const answers = await Promise.all(
      Array.from({ length: 10_000 }, (_, i) => client.call('echo', { head: i, body: new Uint8Array(i % 300).fill(i) })),
    );
    answers.forEach((answer, i) => {
      expect(answer.head).toBe(i);
      expect(answer.body.length).toBe(i % 300);
      expect(answer.body.every((byte) => byte === (i & 255))).toBe(true);
    });
  });

  test('overtake a slow one', async () => {
    const client = connectTo((await startEcho()).port);
    const order: string[] = [];
    await Promise.all([
      client.call('sleep', { head: 200_000 }).then(() => order.push('slow')),
      client.call('echo', { head: 1 }).then(() => order.push('quick')),
    ]);
    expect(order).toEqual(['quick', 'slow']);
  });

  test('send a body in parts as one body', async () => {
    const client = connectTo((await startEcho()).port);
    for (const parts of [3, 2000]) {
      const { body } = await client.call('many', { head: parts });
      expect([...body]).toEqual(Array.from({ length: parts * 8 }, (_, i) => Math.floor(i / 8) & 255));
    }
    const sent = await client.call('echo', { head: null, body: [new Uint8Array(5000).fill(1), new Uint8Array(3)] });
    expect(sent.body.length).toBe(5003);
  });

  test('wait for room when the server does not read, and all arrive once it does', async () => {
    const { child, port } = await startEcho();
    const client = connectTo(port);
    await client.call('echo', { head: 'connected' });
    child.signal('SIGSTOP');
    const bodies = Array.from({ length: 40 }, (_, i) => new Uint8Array(1_000_000).fill(i));
    const answers = bodies.map((body) => client.call('echo', { head: null, body }));
    await hostClock.sleep(100_000);
    child.signal('SIGCONT');
    for (const [i, answer] of (await Promise.all(answers)).entries())
      expect(Buffer.compare(answer.body, bodies[i]!)).toBe(0);
  });
});

describe('a call that does not succeed says whether it may have had an effect', () => {
  test('a handler that throws: failed, with its message', async () => {
    const error = await errorOf(connectTo((await startEcho()).port).call('fail', { head: 'no such table' }));
    expect(error.outcome).toBe('failed');
    expect(error.message).toContain('cannot: no such table');
  });

  test('a handler that does not know keeps its doubt', async () => {
    const server = await serveRpc(
      {
        put: async () => {
          throw new CallError('indeterminate', 'the disk did not say');
        },
      },
      { port: 0 },
    );
    cleanups.push(() => server.close());
    const error = await errorOf(connectTo(server.port).call('put', { head: null }));
    expect([error.outcome, error.message]).toEqual(['indeterminate', expect.stringContaining('the disk did not say')]);
  });

  test('a method that does not exist: failed, and the message names those that do', async () => {
    const error = await errorOf(connectTo((await startEcho()).port).call('toString', { head: null }));
    expect(error.outcome).toBe('failed');
    expect(error.message).toMatch(/no method 'toString'.*echo, fail/);
  });

  test('nobody listens: failed, and says where', async () => {
    const port = await unusedPort();
    const error = await errorOf(connectTo(port).call('echo', { head: null }));
    expect(error.outcome).toBe('failed');
    expect(error.message).toContain(`echo server at 127.0.0.1:${port}`);
  });

  test('the server is killed in the middle of calls: indeterminate; once it is back, calls work again', async () => {
    const { child, port } = await startEcho();
    const client = connectTo(port);
    await client.call('echo', { head: 'connected' });
    const lost = [1, 2, 3].map(() => errorOf(client.call('sleep', { head: 60_000_000 })));
    await client.call('echo', { head: 'written after them, so they are written' });
    child.signal('SIGKILL');
    for (const error of await Promise.all(lost)) expect(error.outcome).toBe('indeterminate');
    await child.exited;
    expect((await errorOf(client.call('echo', { head: null }))).outcome).toBe('failed');
    await startEcho(port);
    expect((await client.call('echo', { head: 'again' })).head).toBe('again');
  });

  test('the time runs out: indeterminate if written, failed if it was still waiting for room', async () => {
    const { child, port } = await startEcho();
    const client = connectTo(port, 300_000);
    await client.call('echo', { head: 'connected' });
    child.signal('SIGSTOP');
    const body = new Uint8Array(40_000_000);
    const written = errorOf(client.call('echo', { head: null, body }));
    const waiting = errorOf(client.call('echo', { head: null }));
    expect((await written).outcome).toBe('indeterminate');
    expect((await waiting).outcome).toBe('failed');
    child.signal('SIGCONT');
  });

  test('the caller gives up: indeterminate if written, failed if not, with the reason', async () => {
    const client = connectTo((await startEcho()).port);
    await client.call('echo', { head: 'connected' });
    const giveUp = new AbortController();
    const reason = new Error('role stops');
    const written = errorOf(client.call('sleep', { head: 60_000_000 }, { signal: giveUp.signal }));
    giveUp.abort(reason);
    expect(await written).toMatchObject({ outcome: 'indeterminate', cause: reason });
    const before = errorOf(client.call('echo', { head: null }, { signal: giveUp.signal }));
    expect(await before).toMatchObject({ outcome: 'failed', cause: reason });
    expect((await client.call('echo', { head: 'others go on' })).head).toBe('others go on');
  });

  test('the client is closed: calls in flight are indeterminate, later ones failed', async () => {
    const client = connectTo((await startEcho()).port);
    await client.call('echo', { head: 'connected' });
    const inFlight = errorOf(client.call('sleep', { head: 60_000_000 }));
    client.close();
    expect((await inFlight).outcome).toBe('indeterminate');
    expect((await errorOf(client.call('echo', { head: null }))).outcome).toBe('failed');
  });

  test('a message above the limit: failed on the way there, an error on the way back', async () => {
    const client = connectTo((await startEcho()).port);
    const there = await errorOf(client.call('echo', { head: null, body: new Uint8Array(frameLimitBytes) }));
    expect(there).toMatchObject({ outcome: 'failed', message: expect.stringContaining('larger than the limit') });
    const back = await errorOf(client.call('zeros', { head: frameLimitBytes }));
    expect(back.message).toContain('larger than the limit');
    expect((await client.call('echo', { head: 'still there' })).head).toBe('still there');
  });
});

describe('a stranger', () => {
  const call = Buffer.concat(encodeFrame('call', 1, ['echo', null], undefined).parts);
  const strangers: [string, Buffer][] = [
    ['speaks HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
    ['announces a frame above the limit', Buffer.concat([call.subarray(0, 12), Buffer.from([255, 255, 255, 255])])],
    ['sends a head that is no JSON', Buffer.concat([call.subarray(0, 16), Buffer.alloc(call.length - 16, 'x')])],
    ['sends an answer', Buffer.concat(encodeFrame('answer', 1, null, undefined).parts)],
  ];
  test.each(strangers)('who %s is dropped, and the server goes on', async (_, bytes) => {
    const { port } = await startEcho();
    const client = connectTo(port);
    await client.call('echo', { head: 'before' });
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => {});
    socket.write(bytes);
    await once(socket, 'close');
    expect((await client.call('echo', { head: 'after' })).head).toBe('after');
  });

  test('who hangs up in the middle of a frame disturbs nobody', async () => {
    const { port } = await startEcho();
    const client = connectTo(port);
    const socket = connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    socket.end(call.subarray(0, 20));
    await once(socket, 'close');
    expect((await client.call('echo', { head: 'after' })).head).toBe('after');
  });
});

test('frames are the same however the stream is cut', () => {
  const sent = [0, 1, 8, 5000].map((bytes, id) =>
    encodeFrame('call', id, ['m', { bytes }], new Uint8Array(bytes).fill(id)),
  );
  const stream = Buffer.concat(sent.flatMap((frame) => frame.parts));
  for (const step of [1, 3, 15, 16, 17, 1000, stream.length]) {
    const frames: Frame[] = [];
    const read = frameReader((frame) => frames.push(frame));
    for (let at = 0; at < stream.length; at += step) read(stream.subarray(at, at + step));
    expect(frames.map(({ kind, id, head, body }) => [kind, id, head, body.length])).toEqual(
      [0, 1, 8, 5000].map((bytes, id) => ['call', id, ['m', { bytes }], bytes]),
    );
    expect(frames.every(({ id, body }) => body.every((byte) => byte === id))).toBe(true);
  }
});

test('a port that is taken is a clear error', async () => {
  const { port } = await startEcho();
  await expect(serveRpc({}, { port })).rejects.toThrow(`could not listen on 127.0.0.1:${port}`);
});
