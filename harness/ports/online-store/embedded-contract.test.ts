import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monotonicNs } from '../../clock.js';
import { onlineStoreContract } from './contract.js';
import { connectOnlineStore } from './embedded.js';
import { startOnlineStoreServer } from './embedded-process.js';

const epochUs = 1_700_000_000_000_000;

onlineStoreContract('the embedded online store', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'online-store-'));
  let server = await startOnlineStoreServer({ directory, port: 0 }, { epochUs, zeroNs: null });
  const store = connectOnlineStore({ port: server.port });
  return {
    store,
    epochUs,
    advance(fromUs) {
      server.child.setClock({ epochUs: fromUs, zeroNs: monotonicNs() });
    },
    async reopen() {
      server.child.signal('SIGKILL');
      await server.child.exited;
      server = await startOnlineStoreServer({ directory, port: server.port }, { epochUs, zeroNs: null });
    },
    async close() {
      await store.close();
      await server.child.stop();
      await rm(directory, { recursive: true });
    },
  };
});
