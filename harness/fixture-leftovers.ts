/** What a run that was ended leaves behind, for tests that want it to be nothing. */
import { readdirSync, readFileSync } from 'node:fs';
import { hostClock } from './clock.js';

/** Processes of the run, by the folder that the environment of each names. */
export function processesOf(temporary: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`TMPDIR=${temporary}\0`) &&
          !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
        );
      } catch {
        return false;
      }
    });
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 1_200; i++) {
    if (await condition()) return;
    await hostClock.sleep(100_000);
  }
  throw new Error('waited two minutes in vain');
}
