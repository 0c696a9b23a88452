import { expect, it } from 'vitest';
import { openScratch } from '../processes/scratch.js';
import { supervise } from '../processes/supervisor.js';
import { startEmbedded } from './embedded.js';
import { stackServersContract } from './servers-contract.js';

stackServersContract('embedded', { changeLog: 2, onlineStore: 2, tables: 0, warehouse: 2 });

it('a stack whose run was stopped while a server was down starts none any more', async () => {
  const scratch = await openScratch();
  const own = supervise({ lullStartUs: 1_000, restartDelayUs: 0, scratch });
  const { servers } = await startEmbedded({ supervisor: own, directory: `${scratch.directory}/stopped`, uses: [] });
  expect(Object.keys(servers)).toEqual(['changeLog']);
  await servers.changeLog?.takeDown();
  await own.stopAll();
  const events = own.eventCount();
  await servers.changeLog?.bringUp();
  expect(own.eventCount()).toBe(events);
  expect(own.isRunning('change-log')).toBe(false);
  await scratch.close();
});
