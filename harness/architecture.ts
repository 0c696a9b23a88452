/** What an architecture is to the harness. See architectures/README.md for how to write one in ten lines. */
import type { DataContract } from '../workloads/data-contract.js';
import type { FeatureRow, Prediction } from '../workloads/feature-view.js';
import type { Clock } from './clock.js';
import type { Json } from './json.js';
import type { OpenLineageEvent } from './lineage/event.js';
import type { Origin } from './lineage/origin.js';
import type { Ports } from './ports/ports.js';
import type { Random } from './random.js';

/** The default export of an architecture module: loaded by its specifier in every role process. */
export type ArchitectureFactory = (params?: Json) => Architecture;

export interface Architecture {
  readonly name: string;
  /** Resolved and validated; printed in every report. */
  readonly params: Json;
  /** The ports it uses: the stack starts only the servers behind these. */
  readonly uses: readonly (keyof Ports)[];
  /** The processes that make it up. The first role that is marked `ingests` is the one a crash scenario kills. */
  readonly roles: readonly Role[];
  /**
   * A plane that is only right again after work of its own that comes later (Lambda after its next batch): within this
   * long after the load. The ledger then also reads it after that. Absent: it has nothing to correct.
   */
  readonly settlesWithinUs?: number;
}

export interface Role {
  readonly name: string;
  /** True for the role whose death stops fresh changes from arriving. */
  readonly ingests?: boolean;
  /** True for work that can wait (compaction, recomputation): it stands back behind the other roles for the processor. */
  readonly background?: boolean;
  /** Crash-only: recovers from durable state whenever it starts; ends when `context.signal` aborts. */
  run(context: RoleContext): Promise<void>;
}

export interface RoleContext {
  readonly ports: Ports;
  readonly clock: Clock;
  readonly random: Random;
  readonly contract: DataContract;
  /** What this process is a run of, for the record of what it writes (lineage/README.md). */
  readonly origin: Origin;
  readonly signal: AbortSignal;
  /** The role does its work from now on: the supervisor waits for it, and a restart is timed by it. */
  ready(): void;
  /** Answers these operations; each operation of a plane is served by exactly one role. Resolves when reachable. */
  serve(operations: Partial<Plane>): Promise<void>;
}

/** What the harness may ask of a plane. Everything but `lookup` is optional: absent means "not offered", never 0. */
export interface Plane {
  /** Online read, rows in the order of the keys. An unknown customer has a row of zeros and nulls with lastSeq 0. */
  lookup(request: { readonly keys: readonly string[] }): Promise<readonly FeatureRow[]>;
  /** Online read + model. */
  predict(request: { readonly keys: readonly string[] }): Promise<readonly Prediction[]>;
  /** Loads batch history; resolves when the loaded rows are served. Safe to repeat. */
  backfill(request: BackfillRequest): Promise<BackfillResult>;
  /** What the tables hold: every applied change, once for each time it is held. */
  exportChanges(): AsyncIterable<readonly ChangeKey[]>;
  /** What was refused, and why. */
  quarantine(): AsyncIterable<readonly Quarantined[]>;
  inventory(): Promise<Inventory>;
  /** What was written from what, by which run of which code: every event since the plane began, in any order. */
  lineage(): Promise<readonly OpenLineageEvent[]>;
}

export type Operation = keyof Plane;

export interface BackfillRequest {
  /** Parquet files in the shapes of workloads/fact-schemas.ts, one a fact table. */
  readonly files: {
    readonly orders: string;
    readonly clicks: string;
    readonly devices: string;
    readonly customers: string;
  };
}
export interface BackfillResult {
  readonly rows: number;
  /** Files taken into the tables by reference, not copied: disclosed beside the time a backfill took. */
  readonly filesByReference: number;
}
export interface ChangeKey {
  readonly customer: number;
  readonly seq: number;
}
export interface Quarantined extends ChangeKey {
  readonly reason: string;
}
/** A data file below this is small: 1 MiB, far below the 128 MiB that table formats aim at, as the tables here are small too. */
export const smallFileBytes = 1 << 20;

export interface Inventory {
  readonly files: number;
  readonly bytes: number;
  readonly rows: number;
  /** Data files below the small-file bound, and the bound. */
  readonly smallFiles: number;
  readonly smallFileBytes: number;
}
