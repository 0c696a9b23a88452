/** The suite of `npm run bench`: the three planes at the size for which the report is read. */
import { secondUs } from '../../workloads/durations.js';
import type { Suite } from '../suite.js';
import { measuredScenario, threePlanes } from './measured.js';

export const headline: Suite = {
  name: 'headline',
  about: 'three planes, 20,000 changes/s, 100,000 customers, one crash a run, five repetitions (about 8 minutes)',
  scenarios: [
    measuredScenario({
      name: 'headline',
      customers: 100_000,
      historyFacts: 1_000_000,
      changesPerSecond: 20_000,
      predictionsPerSecond: 300,
      lookupsPerSecond: 60,
      warmUpUs: secondUs,
      measureUs: 15 * secondUs,
      faultUs: 6 * secondUs,
      drainUs: 20 * secondUs,
    }),
  ],
  arms: threePlanes,
  repetitions: 5,
};
