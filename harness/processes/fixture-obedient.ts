/** What the contract of supervisors starts, as a process or as a coroutine: does what its `init` says, and what it is told. */
import type { ChildMain } from './child.js';

export interface ObedientInit {
  readonly does: 'obey' | 'throw' | 'never-ready';
  /** Before it listens to what it is told. */
  readonly loadsForUs: number;
}

const tickEveryUs = 2_000;

export const obey: ChildMain<ObedientInit> = async ({ does, loadsForUs }, child) => {
  const { clock, signal } = child;
  if (does === 'throw') throw new Error('thrown on purpose');
  await clock.sleep(loadsForUs);
  if (does === 'never-ready') await new Promise(() => clock.after(3_600_000_000, () => {}));
  let die: (error: Error) => void = () => {};
  const death = new Promise<never>((_, reject) => {
    die = reject;
  });
  child.onTold((kind, body) => {
    if (kind === 'say') child.report('said', body);
    if (kind === 'time') child.report('time', clock.nowUs());
    if (kind === 'die') die(new Error(String(body)));
  });
  child.ready('obedient');
  const ticking = async () => {
    for (;;) {
      await clock.sleep(tickEveryUs, signal);
      child.report('tick', null);
    }
  };
  await Promise.race([ticking(), death]);
};
