/** A process that records until it is killed: forked by recordings.test.ts. */
import { stat } from 'node:fs/promises';
import { hostClock } from '../clock.js';
import { openRecording } from './recordings.js';

const path = process.argv[2] as string;
const recording = await openRecording(path, { outcome: 'u8', keys: 'u32', doneUs: 'f64' });
process.once('disconnect', () => process.exit(1));
let told = false;
for (let row = 0; ; row++) {
  recording.push(row % 3, row * 7, row * 1.5);
  if (row % 1000 !== 0) continue;
  await hostClock.sleep(1);
  if (!told && (await stat(path)).size > 200_000) {
    told = true;
    process.send?.('recording');
  }
}
