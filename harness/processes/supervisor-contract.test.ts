import { openScratch } from './scratch.js';
import { supervise } from './supervisor.js';
import { supervisorContract } from './supervisor-contract.js';

supervisorContract('processes', async (restartDelayUs, test) => {
  const scratch = await openScratch();
  const supervisor = supervise({ lullStartUs: 1_000, restartDelayUs, scratch });
  try {
    await test(supervisor);
  } finally {
    await supervisor.stopAll();
    await scratch.close();
  }
});
