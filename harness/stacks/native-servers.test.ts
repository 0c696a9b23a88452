import { kafka } from '../servers/kafka.js';
import { foundOrSkipped } from '../servers/program.fixture.js';
import { redis } from '../servers/redis.js';
import { versitygw } from '../servers/versitygw.js';
import { stackServersContract } from './servers-contract.js';

const found = [await foundOrSkipped(kafka), await foundOrSkipped(redis), await foundOrSkipped(versitygw)];
// A broker takes seconds of a core to start; the warehouse is that of the embedded stack.
if (!found.includes(null)) stackServersContract('native', { changeLog: 1, onlineStore: 2, tables: 1, warehouse: 0 });
