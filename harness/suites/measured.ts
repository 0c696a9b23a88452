/**
 * A measured scenario: the paper's minutes divided by the time scale, everything physical real. The other files of this
 * folder are the sizes in which it is offered.
 */
import { minuteUs, secondUs } from '../../workloads/durations.js';
import type { Threshold } from '../gate/thresholds.js';
import type { Arm, Scenario, Schedule } from '../scenario.js';

export interface Size {
  readonly name: string;
  readonly customers: number;
  readonly historyFacts: number;
  readonly changesPerSecond: number;
  readonly predictionsPerSecond: number;
  readonly lookupsPerSecond: number;
  readonly warmUpUs: number;
  readonly measureUs: number;
  readonly faultUs: number;
  readonly drainUs: number;
  /** 60 where nothing else is said: the paper's minutes are seconds. */
  readonly timeScale?: number;
}

/** Noon of 15 January 2026, UTC. */
const boundaryUs = 1_768_478_400 * secondUs;
/** How far into the measured window the clock strikes the hour: minute, quarter-hour and hour tiles expire at once. */
const strikesAfter = 1 / 3;

/** Event time in which history is loaded: as long as a slow machine takes, 100,000 facts a second. */
const lullUsPerFact = 10;

export function measuredScenario(size: Size): Scenario {
  const { timeScale = 60 } = size;
  return {
    name: size.name,
    stack: 'embedded',
    timeScale,
    epochUs: boundaryUs - size.warmUpUs - Math.round(size.measureUs * strikesAfter),
    workload: {
      contract: {
        topic: 'changes',
        partitions: 4,
        customers: size.customers,
        allowedLatenessUs: (2 * minuteUs) / timeScale,
        tokenKey: '706c616e6562656e63682d746f6b656e2d6b6579',
      },
      history: { facts: size.historyFacts, days: 8, lullUs: Math.max(5 * minuteUs, lullUsPerFact * size.historyFacts) },
      changes: {
        perSecond: size.changesPerSecond,
        slotUs: 600_000 / timeScale,
        zipfMilli: 800,
        dirt: { duplicatePpm: 2_000, outOfOrderPpm: 2_000, latePpm: 500, violationPpm: 1_000 },
        evolveAfterUs: Math.round(size.warmUpUs + size.measureUs / 4),
        breakAfterUs: Math.round(size.warmUpUs + size.measureUs / 2),
        bursts: [
          {
            afterUs: Math.round(size.warmUpUs + (size.measureUs * 3) / 5),
            forUs: (30 * secondUs) / timeScale,
            times: 2,
          },
        ],
        disturbances: [],
      },
      reads: {
        predict: { perSecond: size.predictionsPerSecond, keysPerCall: 1, arrivals: { kind: 'poisson' } },
        lookup: { perSecond: size.lookupsPerSecond, keysPerCall: 10, arrivals: { kind: 'poisson' } },
        timeoutUs: 2 * secondUs,
        zipfMilli: 800,
      },
      panel: { customers: Math.min(200, size.customers / 10), everyUs: (3 * secondUs) / timeScale },
    },
    phases: {
      warmUpUs: size.warmUpUs,
      measureUs: size.measureUs,
      faultUs: size.faultUs,
      drainUs: size.drainUs,
    },
    slo: {
      freshnessUs: (5 * minuteUs) / timeScale,
      availability: 0.99,
      // Two to five times the p99 of a plane that nothing has happened to (9 to 22 ms).
      latencyUs: 50_000,
      holdUs: minuteUs / timeScale,
    },
    faults: [{ kind: 'role-crash', schedule: soonAfterMeasuring({ timeScale, phases: size }) }],
    restartDelayUs: secondUs / 2,
  };
}

/**
 * Soon after the measured window, whose last changes it may meet on their way: measures leave those out. The moment is
 * drawn over one cycle of the warehouse, so that it does not always meet a plane at the same point of it.
 */
export function soonAfterMeasuring({
  timeScale,
  phases: { faultUs },
}: {
  readonly timeScale: number;
  readonly phases: Pick<Scenario['phases'], 'faultUs'>;
}): Extract<Schedule, { kind: 'once' }> {
  return {
    kind: 'once',
    afterUs: (12 * secondUs) / timeScale,
    jitterUs: Math.min((2 * minuteUs) / timeScale, Math.round(faultUs / 3)),
  };
}

/** What no plane may do once it has been healed, drained and has corrected itself: exact, a count in every run. */
export const soundness: readonly Threshold[] = [
  { metric: 'ledger.lost', statistic: 'total', kind: 'absolute', atMost: 0 },
  { metric: 'ledger.duplicated', statistic: 'total', kind: 'absolute', atMost: 0 },
  { metric: 'ledger.unexpected', statistic: 'total', kind: 'absolute', atMost: 0 },
  { metric: 'ledger.quarantine_missing', statistic: 'total', kind: 'absolute', atMost: 0 },
  { metric: 'ledger.quarantine_unexpected', statistic: 'total', kind: 'absolute', atMost: 0 },
  { metric: 'ledger.wrong_rows', statistic: 'total', kind: 'absolute', atMost: 0 },
  { metric: 'ledger.torn', statistic: 'total', kind: 'absolute', atMost: 0 },
  { metric: 'ledger.monotonic_violations', statistic: 'total', kind: 'absolute', atMost: 0 },
  { metric: 'ledger.reordered', statistic: 'total', kind: 'absolute', atMost: 0 },
  { metric: 'ledger.skewed', statistic: 'total', kind: 'absolute', atMost: 0 },
  { metric: 'ledger.behind', statistic: 'total', kind: 'absolute', atMost: 0 },
  { metric: 'ledger.personal_data_leaks', statistic: 'total', kind: 'absolute', atMost: 0 },
];

export const threePlanes = (['lakehouse', 'warehouse', 'lambda'] as const).map((name) => ({
  architecture: name,
  specifier: name,
  params: null,
})) satisfies readonly Arm[];
