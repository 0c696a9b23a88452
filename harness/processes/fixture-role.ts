/** A process for the tests of the supervisor: does what its `init` says. */
import { hostClock } from '../clock.js';
import { runChild } from './child.js';

export type FixtureInit = {
  readonly then: 'wait' | 'die' | 'throw' | 'never-ready' | 'stubborn';
  readonly note?: string;
};

runChild<FixtureInit>(async ({ then, note }, { ready, report, signal, clock }) => {
  if (then === 'never-ready') await hostClock.sleep(3_600_000_000);
  if (then === 'throw') throw new Error('thrown on purpose');
  ready({ note, nowUs: clock.nowUs() });
  report('hello', note);
  if (then === 'die') process.exit(7);
  if (then === 'stubborn') await hostClock.sleep(3_600_000_000);
  await hostClock.sleep(3_600_000_000, signal).catch(() => {});
});
