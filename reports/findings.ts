/**
 * What a finding about a run means for the reader. A finding never speaks of the plane: what a plane loses is a figure.
 * It either makes its run invalid, or says that something was not observed in a run that counts.
 */
import { soakCounts } from './soak.js';
import type { RunFinding, Summary } from './summary.js';

export interface ExplainedFinding extends RunFinding {
  readonly invalid: boolean;
  /** What the code means, and what follows for the figures. */
  readonly explanation: string;
}

export function explainedFindings({ validity, series }: Summary): ExplainedFinding[] {
  const counted = new Set(series.filter(({ valid }) => valid).map(({ run }) => run));
  return validity.findings.map((finding) => {
    const invalid = !counted.has(finding.run);
    const meaning = meanings[finding.code] ?? 'A condition for judging this run did not hold.';
    return { ...finding, invalid, explanation: `${meaning} ${invalid ? leftOut : incomplete}` };
  });
}

/** "14 of 15 runs count; 1 is invalid and left out of every figure." */
export function countedRuns({ series, soak }: Summary): string {
  if (series.length === 0 && soak !== null) return soakCounts(soak);
  const invalid = series.filter(({ valid }) => !valid).length;
  if (series.length === 0) return 'The summary holds no runs.';
  if (invalid === 0) return series.length === 1 ? 'The one run counts.' : `All ${series.length} runs count.`;
  return `${series.length - invalid} of ${series.length} runs count; ${invalid} ${invalid === 1 ? 'is' : 'are'} invalid and left out of every figure.`;
}

const leftOut = 'The run is left out of every figure, comparison and claim; its raw facts are kept.';
const incomplete = 'The run counts; what it did not observe is missing, and missing is never taken for a pass.';

const generator = 'The load was not offered as planned, so the plane was not under the load that this report names.';
const noFault = 'Nothing can be said of recovery from a fault that did not strike.';

const meanings: Readonly<Record<string, string>> = {
  HARNESS: 'The harness could not do its work; that says nothing about the plane.',
  ARCHITECTURE_DOES_NOT_LOAD: 'The plane could not even be described, so none of its runs was started.',
  PLANE: 'The plane failed in a way that leaves nothing to measure.',
  HEAL_FAILED: 'The harm could not be ended, so that nothing can be said of how the plane recovers from it.',
  GENERATOR_BEHIND: generator,
  INVALID_INJECTION: noFault,
  FAULT_NOT_INJECTED: noFault,
  NOT_EXPOSED: 'Nothing can be said of recovery from a fault that nobody could notice.',
  BOOKS_DO_NOT_BALANCE:
    'What was attempted, acknowledged and failed does not add up, so a loss cannot be told from a miscount.',
  NOT_ALL_ACKNOWLEDGED:
    'A part of the load never reached the change log: what the plane would have made of it is not known.',
  NO_PROBES: 'Freshness was not observed.',
  WATCHED_TOO_SHORT: 'Freshness was observed for a part of the window only.',
  BATCH_FAILED: 'Of that part of the batch work nothing is known.',
  NO_LEDGER: 'Correctness was not checked.',
  NO_CHANGES: 'There was no load of changes.',
  NO_READS: 'Latency was not observed.',
  NO_USAGE: 'Use of the machine was not observed.',
  NOT_JUDGED: 'Nothing is known of recovery from that injury.',
};
