/** Of three brokers one may die: who leads is killed only while the others are there. */
import { expect, it } from 'vitest';
import type { Strike } from '../harness/fault.js';
import { faultOf } from '../harness/suites/fault-defaults.js';
import { leaderKill } from './leader-kill.js';

it('kills who leads, and nobody while another broker has not come back', async () => {
  const done: string[] = [];
  let away: string[] = [];
  const leader = {
    name: 'change-log-2',
    async takeDown() {
      done.push('down');
      return { atUs: 7, saw: 'the server change-log-2 was gone (SIGKILL)' };
    },
    bringUp: async () => void done.push('up'),
  };
  const strike = {
    spec: faultOf('leader-kill'),
    topic: 'changes',
    brokers: () => ({ leaderOf: async () => leader, away: () => away }),
  } as unknown as Strike<'leader-kill'>;
  const struck = async () => {
    const harm = await leaderKill.inject(strike, undefined);
    await leaderKill.heal(strike, harm);
    return leaderKill.witness(strike, harm);
  };
  expect(await struck()).toEqual({
    atUs: 7,
    saw: 'the server change-log-2 was gone (SIGKILL), which led partition 0 of changes',
  });
  expect(done.splice(0)).toEqual(['down', 'up']);
  away = ['change-log-1'];
  expect(await struck()).toEqual({
    atUs: null,
    saw: 'change-log-1 had not come back yet, and two dead brokers would be an outage; let it strike less often',
  });
  expect(done).toEqual([]);
});
