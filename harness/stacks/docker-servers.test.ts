import { expect, it } from 'vitest';
import { findImage, imageOf } from '../servers/images.js';
import { kafka } from '../servers/kafka.js';
import { imageOrSkipped } from '../servers/program.fixture.js';
import { redis } from '../servers/redis.js';
import { versitygw } from '../servers/versitygw.js';
import { stackServersContract } from './servers-contract.js';

const found = [await imageOrSkipped(kafka), await imageOrSkipped(redis), await imageOrSkipped(versitygw)];
if (!found.includes(null)) stackServersContract('docker', { changeLog: 1, onlineStore: 1, tables: 1, warehouse: 0 });

it.skipIf(found.includes(null))('an image that is nowhere: which, and what gets it', async () => {
  const nowhere = { ...imageOf(redis), published: 'planebench/none:1', local: 'planebench/none:2' };
  expect(await findImage(nowhere)).toEqual({
    missing:
      'The image of redis-server (online store) is not on this machine: neither planebench/none:1 nor planebench/none:2.',
    toGet: 'npm run stack:images',
  });
});
