import { onlineStoreKillContract } from './kill-contract.js';
import { findRedis } from './redis.fixture.js';

const startRedis = await findRedis();
if (startRedis) onlineStoreKillContract('the online store on Redis', () => startRedis({ epochUs: 0, zeroNs: null }));
