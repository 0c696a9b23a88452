import { historyFiles } from '../../workloads/trace.js';
import { batchContract } from '../fixture-batch-contract.js';
import { openWorld } from '../fixture-world.js';
import { rawTable } from './archive.js';
import { startPlane } from './fixture-plane.js';

batchContract('Lambda', async () => {
  const world = await openWorld(11);
  const { info, traceDirectory } = world;
  const { plane, stop } = await startPlane(world);
  await plane.backfill({ files: historyFiles(traceDirectory) });
  const isArchived = async () => {
    const txns = await world.ports.tables.txns(rawTable);
    return (await world.endOffsets()).every((end, partition) => (txns.get(`lambda.archive/${partition}`) ?? 0) === end);
  };
  return {
    plane,
    info,
    traceDirectory,
    async take(from, to) {
      await world.append(from, to);
      while (!(await isArchived())) await world.clock.sleep(5_000);
    },
    async close() {
      await stop();
      await world.close();
    },
  };
});
