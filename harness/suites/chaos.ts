/** Each fault against each plane, a scenario a fault, long enough to see every plane come back. */
import { secondUs } from '../../workloads/durations.js';
import type { FaultSpec, Scenario } from '../scenario.js';
import type { Suite } from '../suite.js';
import { awayUs, faultOf, lastsUs } from './fault-defaults.js';
import { measuredScenario, soundness, threePlanes } from './measured.js';

/** What happens to a plane in a scenario. */
export interface Ordeal {
  readonly name: string;
  /** All of them at each injection; a plane is spared those that strike nothing in it. */
  readonly faults: readonly FaultSpec[];
  readonly injections: number;
}

/** The longest cycle in which a plane takes changes in, the merges of the warehouse: every moment of it may be struck. */
const jitterUs = 2 * secondUs;
/** From the end of a fault: restart delay, one freshness SLO until what it held up is due, hold time. */
const restartUs = 0.5 * secondUs;
const recoveryUs = 5 * secondUs + secondUs;
/**
 * Of the load before the first injection, to know how the plane was without. All together more than a freshness SLO: no
 * probe before that can tell whether it stands, and of one that was not seen to stand a fault cannot be judged.
 */
const warmUpUs = secondUs;
const measureUs = 4 * secondUs;
const calmUs = 0.2 * secondUs;

export function ordealScenario({ name, faults, injections }: Ordeal): Scenario {
  const backUs = Math.max(restartUs, ...faults.map(awayUs));
  const everyUs = jitterUs + Math.max(...faults.map(lastsUs)) + backUs + recoveryUs;
  const calm = measuredScenario({
    name,
    customers: 2_000,
    historyFacts: 20_000,
    changesPerSecond: 1_000,
    predictionsPerSecond: 100,
    lookupsPerSecond: 50,
    warmUpUs,
    measureUs,
    faultUs: calmUs + injections * everyUs,
    drainUs: 20 * secondUs,
  });
  const schedule = { kind: 'every', afterUs: calmUs, everyUs, jitterUs } as const;
  return { ...calm, faults: faults.map((fault) => ({ ...fault, schedule })) };
}

export const longUs = 5 * secondUs;
/** The store that answers reads, whichever a plane has. */
export const whereRead = ['onlineStore', 'warehouse'] as const;

const ordeals: readonly Ordeal[] = [
  { name: 'role-crash', faults: [faultOf('role-crash')], injections: 3 },
  { name: 'role-pause', faults: [faultOf('role-pause', { lastsUs: 0.3 * secondUs })], injections: 3 },
  // Longer than any time-out: what it believed before, it believes still.
  { name: 'role-pause-long', faults: [faultOf('role-pause', { lastsUs: 12 * secondUs })], injections: 1 },
  { name: 'crash-loop', faults: [faultOf('crash-loop')], injections: 2 },
  { name: 'clock-jump-forward', faults: [faultOf('clock-jump')], injections: 2 },
  { name: 'clock-jump-back', faults: [faultOf('clock-jump', { byUs: -3_600 * secondUs })], injections: 2 },
  { name: 'change-log-outage', faults: [faultOf('change-log-outage', { lastsUs: longUs })], injections: 2 },
  { name: 'online-store-outage', faults: [faultOf('online-store-outage', { lastsUs: longUs })], injections: 2 },
  { name: 'online-store-loss', faults: [faultOf('online-store-loss')], injections: 2 },
  { name: 'table-store-outage', faults: [faultOf('table-store-outage', { lastsUs: longUs })], injections: 2 },
  { name: 'full-disk', faults: [faultOf('full-disk', { lastsUs: longUs })], injections: 2 },
  { name: 'slow-port', faults: whereRead.map((port) => faultOf('slow-port', { port })), injections: 2 },
  { name: 'failing-port', faults: whereRead.map((port) => faultOf('failing-port', { port })), injections: 2 },
  { name: 'duplicate-delivery', faults: [faultOf('duplicate-delivery')], injections: 2 },
  { name: 'reordering', faults: [faultOf('reordering')], injections: 2 },
  { name: 'late-events', faults: [faultOf('late-events')], injections: 2 },
  { name: 'poison-records', faults: [faultOf('poison-records')], injections: 2 },
  { name: 'incompatible-schema', faults: [faultOf('incompatible-schema')], injections: 2 },
  { name: 'load-burst', faults: [faultOf('load-burst', { lastsUs: secondUs })], injections: 2 },
];

export const chaos: Suite = {
  name: 'chaos',
  about:
    'each of the 17 faults that need no servers of others, against each of the three planes, one to three times a run',
  scenarios: ordeals.map(ordealScenario),
  arms: threePlanes,
  repetitions: 1,
  asks: 'recovery',
  thresholds: soundness,
};
