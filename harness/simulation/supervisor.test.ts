import { supervisorContract } from '../processes/supervisor-contract.js';
import { defaultCosts } from './costs.js';
import { createEventClock, superviseSimulated } from './supervisor.js';
import { createVirtualTime } from './virtual-time.js';
import { createWorld } from './world.js';

supervisorContract('coroutines', async (restartDelayUs, test) => {
  const time = createVirtualTime();
  const eventClock = createEventClock(time, 1_000);
  const world = createWorld({ time, nowUs: eventClock.nowUs, costs: defaultCosts, parquet: () => [] });
  const supervisor = superviseSimulated({ world, eventClock, restartDelayUs, sampleEveryUs: 1_000_000 });
  await time.run(() => test(supervisor));
});
