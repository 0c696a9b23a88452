import { monotonicNs } from '../../clock.js';
import { onlineStoreContract } from './contract.js';
import { findRedis } from './redis.fixture.js';

const epochUs = 1_700_000_000_000_000;
const startRedis = await findRedis();

if (startRedis) {
  onlineStoreContract('the online store on Redis', async () => {
    const server = await startRedis({ epochUs, zeroNs: null });
    const store = server.connect();
    return {
      store,
      epochUs,
      advance: (fromUs) => server.setClock({ epochUs: fromUs, zeroNs: monotonicNs() }),
      async reopen() {
        server.kill();
        await server.revive();
      },
      async close() {
        await store.close();
        await server.close();
      },
    };
  });
}
