/** What a fault is to the harness. One file a fault stands under faults/. */
import type { ArchitectureDescription } from './processes/describe-architecture.js';
import type { Supervisor } from './processes/supervisor.js';
import type { FaultFact } from './record/facts.js';

export interface FaultContext {
  readonly supervisor: Supervisor;
  readonly architecture: ArchitectureDescription;
  /** Absent: the first that ingests. */
  readonly role?: string | undefined;
  /** When to strike, event time. */
  readonly atUs: number;
  /** A fault that has not healed until then never did. */
  readonly untilUs: number;
}

/** Injects, witnesses, heals; says what it saw, and never that it worked when it did not see it. */
export type Injector = (context: FaultContext) => Promise<FaultFact>;
