/** What one run says of one measure, before anything is pooled over runs. */
import type { Samples } from '../statistics/samples.js';

/** Observations of one quantity; pooled by merging them. */
export interface SampledMeasure {
  readonly kind: 'samples';
  readonly samples: Samples;
  readonly note?: string;
}

/** A rate, a share or one figure a run (denominator 1); pooled by sums. `samples`: what was counted or averaged. */
export interface RatioMeasure {
  readonly kind: 'ratio';
  readonly numerator: number;
  readonly denominator: number;
  readonly samples: number;
  readonly note?: string;
}

/** Events that happened or not, one trial an experiment; pooled by sums, with an exact interval. */
export interface TrialMeasure {
  readonly kind: 'trials';
  readonly successes: number;
  /** Those whose outcome is known. */
  readonly trials: number;
  /** Trials that the watch was too short to decide; they are more likely to be of one outcome than of the other. */
  readonly undecided?: number;
  /** Of the undecided: those in whose watch the load generator was late. */
  readonly unjudged?: number;
  readonly note?: string;
}

/** A count that is complete, not sampled: of defects, of work. Pooled by its total. */
export interface CountMeasure {
  readonly kind: 'count';
  readonly count: number;
  readonly note?: string;
}

/** `not_offered`: the plane has no such thing. `not_measured`: it may have, and this run cannot tell. Never a zero. */
export interface AbsentMeasure {
  readonly kind: 'absent';
  readonly why: 'not_offered' | 'not_measured';
  readonly note: string;
}

export type Measure = SampledMeasure | RatioMeasure | TrialMeasure | CountMeasure | AbsentMeasure;
export type MeasureOf<Kind extends Measure['kind']> = Extract<Measure, { kind: Kind }> | AbsentMeasure;

export function notMeasured(note: string): AbsentMeasure {
  return { kind: 'absent', why: 'not_measured', note };
}

export function notOffered(note: string): AbsentMeasure {
  return { kind: 'absent', why: 'not_offered', note };
}
