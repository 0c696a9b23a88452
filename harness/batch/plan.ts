/** What is asked of a plane in batch: plain data, part of a scenario. */
import type { LabelWorkload } from '../../workloads/labels.js';

export interface BatchPlan {
  readonly labels: LabelWorkload;
  /** One after the other from the start of the measured window on, beside the load. */
  readonly besideLoad: readonly BatchStep[];
  /** Then, from a freshness SLO after the window on, still beside the load: what the window's figures must not meet. */
  readonly afterWindow?: readonly BatchStep[];
  /** One after the other when the plane has drained, and nothing else is asked of it. */
  readonly afterLoad: readonly BatchStep[];
}

export type BatchStep =
  /** Keeps the feature view under a name, by which later steps ask for it. */
  | { readonly kind: 'snapshot'; readonly name: string }
  /** `slicePpm`: of this share of the customers, a range of ids; absent: of all. */
  | { readonly kind: 'score'; readonly snapshot: string; readonly slicePpm?: number; readonly times: number }
  /** `late`: with the labels that arrived after the load. Made so many times, of the same versions. */
  | { readonly kind: 'training-set'; readonly late: boolean; readonly times: number }
  /** A version of the model becomes that of the newest state. */
  | { readonly kind: 'publish-model'; readonly version: number }
  /** What is served goes back to the snapshot, stays there for `heldUs` and is rolled forward again; read throughout. */
  | { readonly kind: 'rollback'; readonly snapshot: string; readonly heldUs: number }
  /**
   * What a source sent of so many neighbouring customers turns out to be poisoned, from the middle of their changes on. The
   * last step: the rest of a run is judged as if nothing had been poisoned.
   */
  | { readonly kind: 'reprocess'; readonly customers: number };
