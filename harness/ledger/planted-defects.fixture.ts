/** The planted defects (architectures/lakehouse/fixture-defects), the fault that makes each bite, and what must be found. */
import { join } from 'node:path';
import { secondUs } from '../../workloads/durations.js';
import type { FaultPlan, Schedule } from '../scenario.js';
import { projectDirectory } from '../testbed.js';
import type { FindingCode } from './findings.js';

export interface PlantedDefect {
  readonly defect: string;
  readonly code: FindingCode;
  /** What may be found beside it: what the same mistake also does. */
  readonly others: readonly FindingCode[];
  readonly faults: readonly FaultPlan[];
}

const once: Schedule = { kind: 'once', afterUs: secondUs / 4, jitterUs: secondUs / 2 };
const often: Schedule = { kind: 'random', afterUs: 0, count: 4 };
const crash: FaultPlan = { kind: 'role-crash', schedule: once };
const crashes: FaultPlan = { kind: 'role-crash', schedule: often };
const failing = (port: 'tables' | 'onlineStore'): FaultPlan => ({
  kind: 'failing-port',
  port,
  errorPpm: 300_000,
  lastsUs: secondUs,
  schedule: once,
});

export const plantedDefects: readonly PlantedDefect[] = [
  // The rows were put online before: they show what the tables do not hold. Refusals are lost as changes are.
  { defect: 'early-offset', code: 'LOST', others: ['SKEWED', 'BEHIND', 'QUARANTINE'], faults: [crash] },
  // Refusals are listed twice as changes are held twice.
  { defect: 'no-txn', code: 'DUPLICATED', others: ['QUARANTINE'], faults: [failing('tables')] },
  // A row that went back for good is behind the tables, too.
  { defect: 'blind-put', code: 'REORDERED', others: ['SKEWED', 'BEHIND'], faults: [failing('onlineStore')] },
  {
    defect: 'forgetful-restart',
    code: 'WINDOWS_DROPPED',
    others: ['UNDERCOUNTED', 'WRONG', 'UNEXPLAINED'],
    faults: [crash],
  },
  // A row of which nothing but counts are off may be called over or under where the others do not settle it.
  { defect: 'torn-read', code: 'TORN', others: ['OVERCOUNTED', 'UNDERCOUNTED', 'UNEXPLAINED'], faults: [crash] },
  { defect: 'early-seq', code: 'AHEAD', others: ['OVERCOUNTED', 'UNDERCOUNTED', 'UNEXPLAINED'], faults: [crash] },
  { defect: 'ignored-delete', code: 'DELETE_IGNORED', others: ['UNEXPLAINED'], faults: [crash] },
  { defect: 'constant-score', code: 'MISSCORED', others: [], faults: [crash] },
  { defect: 'early-answer', code: 'SKEWED', others: ['BEHIND'], faults: [crashes] },
];

/** The module of a plane that has the defect. */
export function specifierOf(defect: string): string {
  return join(projectDirectory, 'dist', 'architectures', 'lakehouse', 'fixture-defects', `${defect}.js`);
}
