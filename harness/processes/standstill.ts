/** A process that is made to stand still, or to go on, until the operating system says that it does. */
import type { Supervisor } from './supervisor.js';

/** From the signal to the state. */
const takesAtMostUs = 2_000_000;
const lookEveryUs = 2_000;

type Pausing = Pick<Supervisor, 'clock' | 'pause' | 'resume' | 'isPaused'>;

/** When it was seen to stand still; null: it was not. */
export function standStill(supervisor: Pausing, name: string): Promise<number | null> {
  // Again each time: it may just be started again, after another fault.
  return until(supervisor, async () => {
    supervisor.pause(name);
    return supervisor.isPaused(name);
  });
}

/** When it was seen to go on; null: it was not. */
export function goOn(supervisor: Pausing, name: string): Promise<number | null> {
  supervisor.resume(name);
  return until(supervisor, async () => !(await supervisor.isPaused(name)));
}

async function until({ clock }: Pausing, isSo: () => Promise<boolean>): Promise<number | null> {
  const untilUs = clock.nowUs() + takesAtMostUs;
  while (clock.nowUs() < untilUs) {
    if (await isSo()) return clock.nowUs();
    await clock.sleep(lookEveryUs);
  }
  return null;
}
