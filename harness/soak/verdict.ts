/** What is said of a run of soak: correctness alone. How fast it was tells nothing here, where anything may be struck. */
import { findingsOf } from '../ledger/findings.js';
import { measureRun } from '../measures/metrics.js';
import { standardPrices } from '../prices/prices.js';
import type { RunFacts } from '../record/facts.js';

/** `not judged`: the harness cannot prove that the plane was struck as planned, or could not draw up its books. */
export type SoakOutcome = 'sound' | 'unsound' | 'not judged';

export interface SoakVerdict {
  readonly outcome: SoakOutcome;
  /** In words; empty where it is sound. */
  readonly findings: readonly string[];
}

/**
 * What spoils figures and no count: a load generator that was late; a fault that nobody could notice, as long as another
 * was seen to bite.
 */
const spoilsFigures = ['GENERATOR_BEHIND', 'NOT_EXPOSED'];
/** What the plane itself has brought about. */
const planeFailed = 'PLANE';
/** Without these there is nothing to judge. */
const books = ['NO_LEDGER', 'NO_CHANGES'];

export function judgeSoakRun(run: RunFacts): SoakVerdict {
  const { invalid, missing } = measureRun(run, standardPrices);
  const wasStruck = run.faults.some(({ witnessedUs }) => witnessedUs !== null);
  const failures = invalid
    .filter(({ code }) => code === planeFailed)
    .map(({ message }) => `the plane failed: ${message}`);
  const found = run.ledger === null ? [] : findingsOf(run.ledger);
  const defects = [...failures, ...found.map(({ code, message }) => `${code}: ${message}`)];
  const obstacles = [...invalid, ...missing.filter(({ code }) => books.includes(code))]
    .filter(({ code }) => !(wasStruck && spoilsFigures.includes(code)) && code !== planeFailed)
    .map(({ code, message }) => `${code}: ${message}`);
  if (defects.length > 0) return { outcome: 'unsound', findings: [...defects, ...(run.ledger?.examples ?? [])] };
  return { outcome: obstacles.length > 0 ? 'not judged' : 'sound', findings: obstacles };
}
