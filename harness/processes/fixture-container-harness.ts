/** A harness for the test that kills it: with one server in a container, that stands still. */
import { startRedisContainer } from './fixture-container.js';
import { openScratch } from './scratch.js';
import { supervise } from './supervisor.js';

const scratch = await openScratch();
const supervisor = supervise({ lullStartUs: 0, restartDelayUs: 0, scratch });
await startRedisContainer(supervisor, scratch, process.argv[2] as string);
supervisor.pause('redis');
process.send?.({ label: scratch.watchContainers(), directory: scratch.directory });
