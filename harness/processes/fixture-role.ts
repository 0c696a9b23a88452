/** A process for the tests of the supervisor: does what its `init` says. */
import { hostClock } from '../clock.js';
import { runChild } from './child.js';

export type FixtureInit = {
  readonly does: 'wait' | 'die' | 'throw' | 'never-ready' | 'stubborn';
  readonly note?: string;
};

runChild<FixtureInit>(async ({ does, note }, { ready, report, signal, clock }) => {
  if (does === 'never-ready') await hostClock.sleep(3_600_000_000);
  if (does === 'throw') throw new Error('thrown on purpose');
  ready({ note, nowUs: clock.nowUs() });
  report('hello', note);
  if (does === 'die') {
    if (note) process.stderr.write(`${note}\n`);
    process.exit(7);
  }
  if (does === 'stubborn') await hostClock.sleep(3_600_000_000);
  await hostClock.sleep(3_600_000_000, signal).catch(() => {});
});
