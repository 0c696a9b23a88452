/**
 * A role dies again whenever it has just come up, until the loop ends: a bad configuration, a full heap at every start.
 * Witnessed by its exits by SIGKILL, two or more.
 */
import type { Fault, Witness } from '../harness/fault.js';
import { roleOf } from './roles.js';
import { windowsOf } from './schedule.js';

interface Loop {
  readonly kills: Witness[];
  over: boolean;
  readonly ended: Promise<void>;
}

export const crashLoop: Fault<'crash-loop', Loop> = {
  about: 'a role is killed again and again, each time that it has come up',
  supports: ({ role }, { architecture }) => roleOf(architecture, role),
  schedule: windowsOf,
  async inject({ supervisor, target, window }) {
    const { clock } = supervisor;
    const kills: Witness[] = [];
    const kill = async () => {
      const { exit, atUs } = await supervisor.kill(target);
      if (exit?.signal === 'SIGKILL') kills.push({ atUs, saw: `${target} was gone, by SIGKILL` });
    };
    let since = supervisor.eventCount();
    await kill();
    const loop: Loop = { kills, over: false, ended: goOn() };
    loop.ended.catch(() => {});
    return loop;

    async function goOn(): Promise<void> {
      for (;;) {
        const came = await supervisor.waitFor(target, 'ready', since, Math.max(0, window.untilUs - clock.nowUs()));
        if (!came || loop.over || clock.nowUs() >= window.untilUs) return;
        since = supervisor.eventCount();
        await kill();
      }
    }
  },
  async witness({ target }, { kills }) {
    const [first] = kills;
    if (!first || kills.length < 2) return null;
    return { atUs: first.atUs, saw: `${target} was gone ${kills.length} times, by SIGKILL` };
  },
  async heal(_, loop) {
    loop.over = true;
    await loop.ended;
  },
};
