/** Each fault on the wire against each plane, on a stack whose servers are reached through proxies. */
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
  { name: 'partition', faults: [faultOf('partition', { port: 'changeLog', lastsUs: longUs })], injections: 2 },
];

export const chaosWire: Suite = {
  name: 'chaos-wire',
  about: 'each fault on the wire against each of the three planes, on real servers, twice a run',
  scenarios: ordeals.map((ordeal) => ({ ...ordealScenario(ordeal), stack: 'native' })),
  arms: threePlanes,
  repetitions: 1,
  asks: 'recovery',
  thresholds: soundness,
};
