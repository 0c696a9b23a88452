/** The five faults that every plane meets sooner or later, once each: for a pull request, or before a meeting. */
import type { Suite } from '../suite.js';
import { type Ordeal, ordealScenario } from './chaos.js';
import { faultOf } from './fault-defaults.js';
import { soundness, threePlanes } from './measured.js';

const ordeals: readonly Ordeal[] = [
  { name: 'role-crash', faults: [faultOf('role-crash')], injections: 1 },
  { name: 'role-pause', faults: [faultOf('role-pause')], injections: 1 },
  { name: 'change-log-outage', faults: [faultOf('change-log-outage')], injections: 1 },
  { name: 'online-store-outage', faults: [faultOf('online-store-outage')], injections: 1 },
  { name: 'table-store-outage', faults: [faultOf('table-store-outage')], injections: 1 },
];

export const chaosShort: Suite = {
  name: 'chaos-short',
  about: 'a crash, a pause, and each store gone for 2 s, against each of the three planes, once',
  scenarios: ordeals.map(ordealScenario),
  arms: threePlanes,
  repetitions: 1,
  asks: 'recovery',
  thresholds: soundness,
};
