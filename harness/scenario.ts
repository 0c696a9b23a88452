/** A scenario is a value: everything that a run is a function of. Printed, hashed and saved before anything starts. */
import type { Workload } from '../workloads/workload.js';
import type { Json } from './json.js';
import type { StackName } from './stacks/stack.js';

export interface Scenario {
  readonly name: string;
  readonly stack: StackName;
  /** By how much the paper's minutes are divided in `slo`, `workload` and the planes' intervals; physics stays real. */
  readonly timeScale: number;
  /** Event time at which the load starts; placed so that minute, quarter-hour and hour tiles expire while measuring. */
  readonly epochUs: number;
  readonly workload: Workload;
  readonly phases: Phases;
  readonly slo: Slo;
  readonly faults: readonly FaultPlan[];
  /** How long the supervisor waits before it starts a dead role again, as an orchestrator would. */
  readonly restartDelayUs: number;
}

/** Lengths; the load runs from the start of `warmUp` to the end of `fault`. */
export interface Phases {
  readonly warmUpUs: number;
  readonly measureUs: number;
  readonly faultUs: number;
  /** After the load: the longest that a plane may take to show every acknowledged change. */
  readonly drainUs: number;
}

export interface Slo {
  /** A change is fresh if it is visible within this; the SLO is met while 95 % of changes are. */
  readonly freshnessUs: number;
  /** For this long the SLO must hold before it counts as regained. */
  readonly holdUs: number;
}

export interface FaultPlan {
  readonly kind: 'role-crash';
  /** The role it strikes; absent: the first that ingests. */
  readonly role?: string;
  /** The injection falls at a seeded random moment of `[afterUs, afterUs + jitterUs)` after the measured window. */
  readonly afterUs: number;
  readonly jitterUs: number;
}

/** One plane under one scenario. */
export interface Arm {
  readonly architecture: string;
  /** Name of a built-in plane, or path of a module. */
  readonly specifier: string;
  readonly params: Json;
}

/** One run: what `run` is called with. Runs of a repetition share seed and trace. */
export interface RunPlan {
  readonly id: string;
  readonly scenario: Scenario;
  readonly arm: Arm;
  readonly repetition: number;
  readonly seed: number;
}
