/** What the arms of a suite turned out to be, and what every way to run them needs. */
import type { Manifest } from '../reports/summary.js';
import type { Build } from './lineage/origin.js';
import type { Inspected } from './plane-contract.js';
import type { ArchitectureDescription } from './processes/describe-architecture.js';
import type { Scratch } from './processes/scratch.js';
import type { Progress } from './progress.js';
import type { Finding, RunFacts } from './record/facts.js';
import type { Arm, RunPlan } from './scenario.js';

/** A plane that cannot even be described still has its runs: invalid ones, which say why. */
export type DescribedArms = ReadonlyMap<Arm, ArchitectureDescription | Finding>;

export interface RunsOptions {
  readonly described: DescribedArms;
  /** The code that the planes run. */
  readonly build: Build;
  readonly scratch: Scratch;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly onInspected: ((inspected: Inspected) => void) | undefined;
  onTrace(trace: Manifest['traces'][number]): void;
  /** Takes the facts of a run that is finished. */
  keep(run: RunFacts): Promise<void>;
}

export const labelOf = ({ scenario, arm, repetition }: RunPlan) => `${scenario.name} ${arm.architecture} ${repetition}`;
