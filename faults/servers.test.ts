/** Which servers can be held or cut off, on which stack, and what is said where they cannot. */
import { expect, it } from 'vitest';
import { supportOf } from '../harness/injection.js';
import type { PortName } from '../harness/ports/ports.js';
import type { Scenario } from '../harness/scenario.js';
import type { StackName } from '../harness/stacks/stack.js';
import { faultOf } from '../harness/suites/fault-defaults.js';

const architecture = { uses: ['changeLog', 'onlineStore', 'tables'], roles: [] } as never;
const schedule = { kind: 'once', afterUs: 0, jitterUs: 0 } as const;
function supportIn(kind: 'server-pause' | 'server-disconnect', stack: StackName, port: PortName) {
  const support = supportOf({ ...faultOf(kind, { port }), schedule }, { stack } as Scenario, architecture);
  return 'target' in support ? support.target : support.notApplicable;
}

const noProcess = (port: PortName) => `no process stands behind ${port} on this stack`;
const noNetwork = 'its server has no network of its own; those of the stack docker have';
const yours = 'its server is yours, and not ours to hold';

it.each([
  ['embedded', 'changeLog', 'changeLog', noNetwork],
  ['embedded', 'tables', noProcess('tables'), noProcess('tables')],
  ['native', 'tables', 'tables', noNetwork],
  ['docker', 'onlineStore', 'onlineStore', 'onlineStore'],
  ['docker', 'warehouse', 'the plane does not use warehouse', 'the plane does not use warehouse'],
  ['external', 'changeLog', yours, yours],
  ['simulated', 'onlineStore', noProcess('onlineStore'), noProcess('onlineStore')],
] as const)('%s, %s: held: %s; cut off: %s', (stack, port, held, cutOff) => {
  expect(supportIn('server-pause', stack, port)).toBe(held);
  expect(supportIn('server-disconnect', stack, port)).toBe(cutOff);
});
