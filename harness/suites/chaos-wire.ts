/** Faults of servers of others, against each plane: each one on the wire, a server that stands still, the death of a leader. */
import type { Scenario } from '../scenario.js';
import type { Suite } from '../suite.js';
import { longUs, type Ordeal, ordealScenario, whereRead } from './chaos.js';
import { faultOf } from './fault-defaults.js';
import { soundness, threePlanes } from './measured.js';

const ordeals: readonly Ordeal[] = [
  { name: 'wire-latency', faults: whereRead.map((port) => faultOf('wire-latency', { port })), injections: 2 },
  { name: 'wire-bandwidth', faults: whereRead.map((port) => faultOf('wire-bandwidth', { port })), injections: 2 },
  { name: 'wire-timeout', faults: whereRead.map((port) => faultOf('wire-timeout', { port })), injections: 2 },
  { name: 'wire-reset', faults: whereRead.map((port) => faultOf('wire-reset', { port })), injections: 2 },
  { name: 'wire-slow-close', faults: whereRead.map((port) => faultOf('wire-slow-close', { port })), injections: 2 },
  {
    name: 'server-pause',
    faults: whereRead.map((port) => faultOf('server-pause', { port, lastsUs: longUs })),
    injections: 2,
  },
  { name: 'partition', faults: [faultOf('partition', { port: 'changeLog', lastsUs: longUs })], injections: 2 },
];

/** Of three brokers. */
const leaderDies: Ordeal = { name: 'leader-kill', faults: [faultOf('leader-kill')], injections: 2 };

export const chaosWire: Suite = {
  name: 'chaos-wire',
  about:
    'each fault on the wire, a server that stands still, and the death of a leading broker, against each of the three planes, on real servers, twice a run',
  scenarios: [
    ...ordeals.map((ordeal): Scenario => ({ ...ordealScenario(ordeal), stack: 'native' })),
    { ...ordealScenario(leaderDies), stack: 'native', brokers: 3 },
  ],
  arms: threePlanes,
  repetitions: 1,
  asks: 'recovery',
  thresholds: soundness,
};
