import type { Plane } from '../../harness/architecture.js';
import { historyFiles } from '../../workloads/trace.js';
import { batchContract } from '../fixture-batch-contract.js';
import { openWorld, startRole } from './fixture-world.js';

batchContract('the warehouse', async () => {
  const world = await openWorld(11);
  const { info, traceDirectory, ports, contract } = world;
  const serving = startRole(world, 'serving');
  const startLoader = () =>
    startRole(world, 'loader', { params: { mergeIntervalUs: 30_000, stageIntervalUs: 10_000 } });
  const loader = startLoader();
  await (await loader.serving).backfill?.({ files: historyFiles(traceDirectory) });
  await loader.stop();
  const isStaged = async () => {
    const position = await ports.warehouse.position(`change log ${contract.topic}`);
    return String(position) === String(await ports.changeLog.endOffsets(contract.topic));
  };
  return {
    plane: (await serving.serving) as Plane,
    info,
    traceDirectory,
    async take(from, to) {
      await world.append(from, to);
      const stages = startLoader();
      while (!(await isStaged())) await world.clock.sleep(5_000);
      await stages.stop();
      // One that starts merges what is staged, and refreshes the view, before it is ready.
      const merges = startLoader();
      await merges.serving;
      await merges.stop();
    },
    async close() {
      await serving.stop();
      await world.close();
    },
  };
});
