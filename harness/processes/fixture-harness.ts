/** A harness for the test that kills it: two processes, one of them stopped, and a temporary folder. */
import { openScratch } from './scratch.js';
import { supervise } from './supervisor.js';

const scratch = await openScratch();
const supervisor = supervise({ lullStartUs: 0, restartDelayUs: 0, scratch });
const module = new URL('./fixture-role.js', import.meta.url);
for (const name of ['running', 'stopped']) {
  await supervisor.start({ name, kind: 'role', module, init: () => ({ does: 'wait' }), restart: true });
}
const pids = supervisor.processes().map(({ pid }) => pid);
process.kill(pids[1] as number, 'SIGSTOP');
process.send?.({ pids, directory: scratch.directory });
