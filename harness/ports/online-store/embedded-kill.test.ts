import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CallError } from '../../errors.js';
import { seededRandom } from '../../random.js';
import { connectOnlineStore } from './embedded.js';
import { startOnlineStoreServer } from './embedded-process.js';
import type { OnlineStore } from './port.js';

const table = 'features';
const clients = 3;
const keysOfClient = 400;
const rounds = 12;
const origin = { epochUs: 0, zeroNs: null };

let directory: string;
let server: Awaited<ReturnType<typeof startOnlineStoreServer>>;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'online-store-'));
  server = await startOnlineStoreServer({ directory, port: 0 }, origin);
});
afterAll(async () => {
  await server.child.stop();
  await rm(directory, { recursive: true });
});

test('a server that is killed while clients put has every acknowledged call, and every call whole or not at all', async () => {
  const random = seededRandom(11);
  const stores = Array.from({ length: clients }, () => connectOnlineStore({ port: server.port }));
  /** Each client puts the same keys again and again, with the number of the call as version and as content. */
  const attempted = new Array<number>(clients).fill(0);
  const acknowledged = new Array<number>(clients).fill(0);
  let unanswered = 0;
  for (let round = 0; round < rounds; round++) {
    const killAfter = 3 + random.below(40);
    let answers = 0;
    const down = new AbortController();
    await Promise.all(
      stores.map(async (store, client) => {
        while (!down.signal.aborted) {
          const calls = Array.from({ length: 1 + random.below(3) }, () => ++attempted[client]!);
          await Promise.all(
            calls.map(async (call) => {
              if (!(await putVersion(store, client, call))) return unanswered++;
              acknowledged[client] = Math.max(acknowledged[client]!, call);
              if (++answers === killAfter) {
                server.child.signal('SIGKILL');
                down.abort();
              }
            }),
          );
        }
      }),
    );
    await server.child.exited;
    server = await startOnlineStoreServer({ directory, port: server.port }, origin);
    for (let client = 0; client < clients; client++) {
      const rows = await stores[client]!.get(table, keysOf(client));
      const versions = new Set(rows.map((row) => row?.seq ?? 0));
      expect(versions.size, `the rows of client ${client} come from one call`).toBe(1);
      const [version] = versions as unknown as [number];
      expect(version).toBeGreaterThanOrEqual(acknowledged[client]!);
      expect(version).toBeLessThanOrEqual(attempted[client]!);
      rows.forEach((row, i) => {
        if (row) expect(Buffer.compare(row.value, contentOf(client, version, i))).toBe(0);
      });
    }
    expect((await scanKeys(stores[0]!)).length).toBe(new Set(await scanKeys(stores[0]!)).size);
  }
  expect(unanswered).toBeGreaterThan(0);
  for (const store of stores) await store.close();
});

test('a server that is killed while it clears away dropped tables goes on with it, and none comes back', async () => {
  const store = connectOnlineStore({ port: server.port });
  for (let round = 0; round < 10; round++) {
    const dropped = `dropped-${round}`;
    const count = 20_000;
    await store.put(dropped, {
      keys: Array.from({ length: count }, (_, i) => `k${i}`),
      seqs: new Array<number>(count).fill(1),
      asOfUs: new Array<number>(count).fill(1),
      values: new Array<Uint8Array>(count).fill(new Uint8Array(16)),
    });
    await store.drop(dropped);
    server.child.signal('SIGKILL');
    await server.child.exited;
    server = await startOnlineStoreServer({ directory, port: server.port }, origin);
    expect(await store.scan(dropped, null, 1)).toEqual([]);
    const again = { keys: ['k1'], seqs: [1], asOfUs: [0], values: [new Uint8Array(1)] };
    expect(await store.put(dropped, again)).toEqual({ written: 1, stale: 0 });
    expect((await store.scan(dropped, null, 10)).map(({ key }) => key)).toEqual(['k1']);
  }
  await store.close();
});

const keysOf = (client: number) => Array.from({ length: keysOfClient }, (_, i) => `client-${client}-${i}`);

/** Of a length that differs from call to call, so that a torn row could not pass for a whole one. */
function contentOf(client: number, call: number, i: number): Uint8Array {
  return new Uint8Array(1 + ((call * 13 + i) % 300)).fill(client * 71 + call + i);
}

async function putVersion(store: OnlineStore, client: number, call: number): Promise<boolean> {
  const keys = keysOf(client);
  try {
    await store.put(table, {
      keys,
      seqs: keys.map(() => call),
      asOfUs: keys.map(() => call),
      values: keys.map((_, i) => contentOf(client, call, i)),
    });
    return true;
  } catch (error) {
    if (error instanceof CallError) return false;
    throw error;
  }
}

async function scanKeys(store: OnlineStore): Promise<string[]> {
  const keys: string[] = [];
  for (;;) {
    const page = await store.scan(table, keys.at(-1) ?? null, 333);
    if (page.length === 0) return keys;
    keys.push(...page.map(({ key }) => key));
  }
}
