/** `planebench.baseline/1`: what each run of a suite found, one number a figure, so that later runs can be paired by seed. */
import type { Badge, Unit } from './summary.js';

export interface Baseline {
  readonly schema: 'planebench.baseline/1';
  readonly suite: string;
  readonly seed: number;
  /** As planned; a plane with fewer runs than that had invalid ones, which are not in here. */
  readonly repetitions: number;
  /** False if the suite was interrupted, or a run that counts did not observe everything that was asked for. */
  readonly finished: boolean;
  readonly from: {
    readonly id: string;
    readonly startedAt: string;
    readonly commit: string | null;
    readonly machine: string;
  };
  /** SHA-256 of the prices that made the costs. Absent: those of the price book that comes with planebench. */
  readonly prices?: string;
  readonly scenarios: readonly ScenarioIdentity[];
  readonly planes: readonly PlaneValues[];
}

/** Figures are comparable only if all of this is the same. */
export interface ScenarioIdentity {
  readonly name: string;
  readonly badge: Badge;
  readonly stack: string;
  readonly timeScale: number;
  /** SHA-256 of the scenario as JSON with sorted keys: load, phases, SLO, faults. */
  readonly sha256: string;
  /** Of what is simulated, as in the manifest. Absent: the standard ones. */
  readonly serviceTimes?: string;
}

export interface PlaneValues {
  readonly scenario: string;
  readonly architecture: string;
  /** Valid runs only. `seed` is that of the repetition: runs that share it met the same changes. */
  readonly runs: readonly { readonly repetition: number; readonly seed: number }[];
  /** Figures that the plane did not offer in any of these runs. */
  readonly notOffered?: readonly string[];
  readonly figures: readonly FigureValues[];
}

export interface FigureValues {
  readonly metric: string;
  readonly statistic: string;
  readonly unit: Unit;
  /** In the order of `runs`. */
  readonly values: readonly RunValue[];
}

/** Null: the run has none. `atLeast`: right-censored, only a bound is known. */
export type RunValue = number | null | { readonly atLeast: number };
