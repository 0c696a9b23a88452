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
    await expect(read()).rejects.toBeInstanceOf(CallError);
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
