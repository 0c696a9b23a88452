/** A workload as plain data: part of a scenario, hashed into its manifest. Times are event time, already divided by the time scale. */
import type { ContractParams } from './data-contract.js';

export interface Workload {
  readonly contract: ContractParams;
  /** `lullUs`: between the last fact and the first change nothing happens; event time while a plane loads history. */
  readonly history: { readonly facts: number; readonly days: number; readonly lullUs: number };
  readonly changes: ChangeWorkload;
  readonly reads: ReadWorkload;
  readonly panel: { readonly customers: number; readonly everyUs: number };
}

export interface ChangeWorkload {
  readonly perSecond: number;
  /** Changes are offered in slots of this length: all changes of a slot share its `emitUs`. */
  readonly slotUs: number;
  /** Exponent of the Zipf law by which customers are drawn, in thousandths (integer tables, no `Math.pow` at run time). */
  readonly zipfMilli: number;
  readonly dirt: Dirt;
  /** When the source starts to write schema version 2 of `orders`, and when it tries an incompatible version 3; after the trace's start. */
  readonly evolveAfterUs: number;
  readonly breakAfterUs: number;
  readonly bursts: readonly { readonly afterUs: number; readonly forUs: number; readonly times: number }[];
  /** What a fault makes of the source for a while, after the trace's start. */
  readonly disturbances: readonly Disturbance[];
}

export interface Disturbance {
  readonly afterUs: number;
  readonly forUs: number;
  /** Of the rate at that time; absent: 1. */
  readonly times?: number;
  /** Instead of the workload's own shares. */
  readonly dirt?: Partial<Dirt & AddedDirt>;
}

/** Dirt of certain kinds, which only a disturbance brings. */
export interface AddedDirt {
  /** Payloads that nobody can decode. */
  readonly poisonPpm: number;
  /** Of a schema version that breaks the contract. */
  readonly incompatiblePpm: number;
}

/** Shares of all changes, in millionths. Late changes fall on uniformly drawn customers, so that no hot key is blocked for ever. */
export interface Dirt {
  readonly duplicatePpm: number;
  readonly outOfOrderPpm: number;
  readonly latePpm: number;
  readonly violationPpm: number;
}

export interface ReadWorkload {
  readonly predict: ReadStream;
  readonly lookup: ReadStream;
  /** Calls unanswered after this are errors, counted as at least this long. */
  readonly timeoutUs: number;
  readonly zipfMilli: number;
}
export interface ReadStream {
  readonly perSecond: number;
  readonly keysPerCall: number;
  readonly arrivals: Arrivals;
}
export type Arrivals =
  | { readonly kind: 'constant' }
  | { readonly kind: 'poisson' }
  /** Poisson, at `times` the rate for `forUs` in every `everyUs`, and so much less in between that the mean holds. */
  | { readonly kind: 'bursts'; readonly everyUs: number; readonly forUs: number; readonly times: number };
