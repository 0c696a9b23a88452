/** Everything that a plane is asked and that happens to it, on a scale at which no figure is read: is it a plane? */
import { secondUs } from '../../workloads/durations.js';
import type { Arm, Scenario } from '../scenario.js';
import type { Suite } from '../suite.js';
import { measuredScenario } from './measured.js';

/** For a role to be killed at some moment, and to be ready again before the next one is. */
const turnUs = 3 * secondUs;

/** Each of the roles is killed once, at a seeded moment of its turn. */
export function checkSuite(stack: Scenario['stack'], arm: Arm, roles: readonly string[]): Suite {
  const calm = measuredScenario({
    name: 'check',
    customers: 200,
    historyFacts: 2_000,
    changesPerSecond: 400,
    predictionsPerSecond: 20,
    lookupsPerSecond: 20,
    warmUpUs: secondUs / 2,
    measureUs: (3 * secondUs) / 2,
    faultUs: secondUs + roles.length * turnUs,
    drainUs: 15 * secondUs,
  });
  return {
    name: 'check',
    about: `the plane contract on ${stack}: 200 customers, 400 changes/s, every role killed once`,
    scenarios: [
      {
        ...calm,
        stack,
        batch: {
          labels: { rows: 500, positivePpm: 120_000, latePpm: 100_000 },
          // Its roles are killed while the load lasts.
          besideLoad: [],
          afterLoad: [
            { kind: 'snapshot', name: 'after the load' },
            { kind: 'score', snapshot: 'after the load', slicePpm: 100_000, times: 1 },
            { kind: 'score', snapshot: 'after the load', times: 2 },
            { kind: 'training-set', late: false, times: 1 },
            { kind: 'training-set', late: true, times: 2 },
            { kind: 'publish-model', version: 2 },
            { kind: 'rollback', snapshot: 'after the load', heldUs: secondUs / 2 },
            // Last: what is made after it is made without what it was told of.
            { kind: 'reprocess', customers: 10 },
          ],
        },
        faults: roles.map((role, turn) => ({
          kind: 'role-crash',
          role,
          schedule: { kind: 'once', afterUs: turn * turnUs, jitterUs: turnUs / 2 },
        })),
      },
    ],
    arms: [arm],
    repetitions: 1,
    floor: false,
    // Its rules are no figures.
    thresholds: [],
  };
}
