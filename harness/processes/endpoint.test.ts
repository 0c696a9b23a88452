import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Plane } from '../architecture.js';
import { hostClock } from '../clock.js';
import { CallError } from '../errors.js';
import { connectPlane, isTimeout } from './endpoint.js';
import { serveOperations } from './operations-server.js';
import { isProbe } from './request.js';

const stop = new AbortController();
const row = (key: string) => ({ key, lastSeq: 1, asOfUs: 2, features: [null, 3] });
const timeoutUs = 5_000_000;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function open(operations: Partial<Plane>) {
  const port = await serveOperations(operations, { port: 0, signal: stop.signal });
  const routes = Object.fromEntries(Object.keys(operations).map((operation) => [operation, port]));
  const client = connectPlane(routes);
  closing.push(() => client.close());
  return { client, port };
}

describe('the door of a plane', () => {
  it('carries a call and its answer', async () => {
    const { client } = await open({ lookup: async ({ keys }) => keys.map(row) });
    expect(await client.call('lookup', { keys: ['1', '2'] }, { timeoutUs })).toEqual([row('1'), row('2')]);
  });

  it('says which operations are offered, and fails the others without a call', async () => {
    const { client } = await open({ lookup: async () => [] });
    expect([client.offers('lookup'), client.offers('predict')]).toEqual([true, false]);
    await expect(client.call('predict', {}, { timeoutUs })).rejects.toMatchObject({ outcome: 'failed' });
  });

  it('carries pages one by one', async () => {
    const pages = [[{ customer: 1, seq: 1 }], [], [{ customer: 2, seq: 9 }]];
    const { client } = await open({
      async *exportChanges() {
        yield* pages;
      },
    });
    const received: unknown[] = [];
    for await (const page of client.pages('exportChanges', undefined, { timeoutUs })) received.push(page);
    expect(received).toEqual(pages);
  });

  it('never takes an answer that was cut short for a whole one', async () => {
    const { client } = await open({
      async *exportChanges() {
        yield [{ customer: 1, seq: 1 }];
        throw new Error('the disk is gone');
      },
    });
    const read = async () => {
      for await (const _ of client.pages('exportChanges', undefined, { timeoutUs }));
    };
    await expect(read()).rejects.toMatchObject({ name: 'CallError', outcome: 'indeterminate' });
  });

  it('brings back what the plane said when it failed', async () => {
    const { client } = await open({ lookup: () => Promise.reject(new Error('no such table')) });
    await expect(client.call('lookup', { keys: [] }, { timeoutUs })).rejects.toThrow('lookup: no such table');
  });

  it('gives up after the time-out, and knows that it was one', async () => {
    const { client } = await open({ lookup: () => hostClock.sleep(60_000_000).then(() => []) });
    const error = await client.call('lookup', { keys: [] }, { timeoutUs: 50_000 }).catch((reason: unknown) => reason);
    expect(isTimeout(error)).toBe(true);
    expect(error).toMatchObject({ outcome: 'indeterminate' });
  });

  it('knows a refused connection for a call that may be tried again', async () => {
    const client = connectPlane({ lookup: 1 });
    closing.push(() => client.close());
    const error = await client.call('lookup', { keys: [] }, { timeoutUs }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CallError);
    expect(error).toMatchObject({ outcome: 'failed' });
    expect(isTimeout(error)).toBe(false);
  });

  it('tells probes from work inside the role, and the plane never sees it', async () => {
    const seen: boolean[] = [];
    const { client } = await open({
      lookup: async (request) => {
        await hostClock.sleep(1_000);
        seen.push(isProbe());
        expect(Object.keys(request)).toEqual(['keys']);
        return [];
      },
    });
    await client.call('lookup', { keys: [] }, { timeoutUs, probe: true });
    await client.call('lookup', { keys: [] }, { timeoutUs });
    expect(seen).toEqual([true, false]);
  });

  it('refuses to serve on a port that is taken, in one sentence', async () => {
    const { port } = await open({ lookup: async () => [] });
    await expect(serveOperations({}, { port, signal: stop.signal })).rejects.toThrow(
      /cannot serve on 127\.0\.0\.1:\d+: .*EADDRINUSE/,
    );
  });
});

describe('under more load than a role answers in time', () => {
  /** A role that answers nobody until it is released. */
  async function openHeld() {
    const held: ServerResponse[] = [];
    const seen = { requests: 0, connections: 0, broken: 0 };
    const server = createServer((request, response) => {
      seen.requests++;
      request.resume();
      held.push(response);
    });
    server.on('connection', (socket) => {
      seen.connections++;
      socket.on('close', () => seen.broken++);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = connectPlane({ lookup: (server.address() as AddressInfo).port });
    closing.push(async () => {
      await client.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    const release = () => {
      for (const response of held.splice(0)) response.end('[]');
    };
    const call = (us = timeoutUs) => client.call('lookup', { keys: [] }, { timeoutUs: us });
    return { call, release, held, seen };
  }

  it('a call is sent however many others hang', async () => {
    const { call, release, held } = await openHeld();
    const hanging = Array.from({ length: 300 }, () => call());
    await expect.poll(() => held.length, { timeout: 20_000 }).toBe(300);
    const next = call();
    await expect.poll(() => held.length, { timeout: 20_000 }).toBe(301);
    held.at(-1)?.end('[]');
    expect(await next).toEqual([]);
    held.pop();
    release();
    await Promise.all(hanging);
  }, 60_000);

  it('a call that was given up under way keeps its connection', async () => {
    const { call, release, held, seen } = await openHeld();
    expect(isTimeout(await call(20_000).catch((error: unknown) => error))).toBe(true);
    await expect.poll(() => held.length, { timeout: 20_000 }).toBe(1);
    release();
    const next = call();
    await expect.poll(() => held.length, { timeout: 20_000 }).toBe(1);
    release();
    expect(await next).toEqual([]);
    expect(seen.broken).toBe(0);
  }, 60_000);
});
