/** A workload for tests of planes: few customers, and so much dirt that every kind of it comes up within seconds. */
import { secondUs } from './durations.js';
import type { Workload } from './workload.js';

export const smallWorkload = ({ customers, lullUs }: { customers: number; lullUs: number }): Workload => ({
  contract: {
    topic: 'changes',
    partitions: 3,
    customers,
    allowedLatenessUs: 500_000,
    tokenKey: '000102030405060708090a0b0c0d0e0f',
  },
  history: { facts: 2_500, days: 8, lullUs },
  changes: {
    perSecond: 400,
    slotUs: 10_000,
    zipfMilli: 800,
    dirt: { duplicatePpm: 40_000, outOfOrderPpm: 60_000, latePpm: 10_000, violationPpm: 20_000 },
    evolveAfterUs: secondUs,
    breakAfterUs: 2 * secondUs,
    bursts: [],
    disturbances: [],
  },
  reads: {
    predict: { perSecond: 1, keysPerCall: 1, arrivals: { kind: 'constant' } },
    lookup: { perSecond: 1, keysPerCall: 1, arrivals: { kind: 'constant' } },
    timeoutUs: secondUs,
    zipfMilli: 800,
  },
  panel: { customers: 10, everyUs: 50_000 },
});
