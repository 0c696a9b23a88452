import type { Plane } from '../../harness/architecture.js';
import { seededRandom } from '../../harness/random.js';
import { historyFiles } from '../../workloads/trace.js';
import { batchContract } from '../fixture-batch-contract.js';
import { openWorld } from '../fixture-world.js';
import { isDrained, startRole } from './fixture-role.js';

batchContract('the lakehouse', async () => {
  const world = await openWorld(11);
  const { info, traceDirectory } = world;
  const stream = startRole(world, 'stream', { batchIntervalUs: 1_000 }, seededRandom(1));
  const batch = startRole(world, 'batch', {}, seededRandom(2));
  await (await stream.serving).backfill?.({ files: historyFiles(traceDirectory) });
  return {
    plane: (await batch.serving) as Plane,
    info,
    traceDirectory,
    async take(from, to) {
      await world.append(from, to);
      while (!(await isDrained(world))) await world.clock.sleep(5_000);
    },
    async close() {
      await Promise.all([stream.stop(), batch.stop()]);
      await world.close();
    },
  };
});
