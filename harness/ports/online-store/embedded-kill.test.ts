import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectOnlineStore } from './embedded.js';
import { startOnlineStoreServer } from './embedded-process.js';
import { onlineStoreKillContract, type StoreServerUnderTest } from './kill-contract.js';

const origin = { epochUs: 0, zeroNs: null };

async function startServer(): Promise<StoreServerUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), 'online-store-'));
  let server = await startOnlineStoreServer({ directory, port: 0 }, origin);
  return {
    connect: () => connectOnlineStore({ port: server.port }),
    kill: () => server.child.signal('SIGKILL'),
    async revive() {
      await server.child.exited;
      server = await startOnlineStoreServer({ directory, port: server.port }, origin);
    },
    async close() {
      await server.child.stop();
      await rm(directory, { recursive: true });
    },
  };
}

onlineStoreKillContract('the embedded online store', startServer);

let server: StoreServerUnderTest;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server?.close());

test('a server that is killed while it clears away dropped tables goes on with it, and none comes back', async () => {
  const store = server.connect();
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
    server.kill();
    await server.revive();
    expect(await store.scan(dropped, null, 1)).toEqual([]);
    const again = { keys: ['k1'], seqs: [1], asOfUs: [0], values: [new Uint8Array(1)] };
    expect(await store.put(dropped, again)).toEqual({ written: 1, stale: 0 });
    expect((await store.scan(dropped, null, 10)).map(({ key }) => key)).toEqual(['k1']);
  }
  await store.close();
});
