/** What an architecture is to the harness. See architectures/README.md for how to write one in ten lines. */
import type { DataContract } from '../workloads/data-contract.js';
import type { FeatureRow, Prediction } from '../workloads/feature-view.js';
import type { Clock } from './clock.js';
import type { Json } from './json.js';
import type { OpenLineageEvent } from './lineage/event.js';
import type { Origin } from './lineage/origin.js';
import type { Ports } from './ports/ports.js';
import type { Tier } from './ports/table-store/port.js';
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
  /**
   * The roles stand in front of a system that runs and stores elsewhere (http). Nobody samples that, or can search what it
   * stores: what it uses is then not measured, instead of what the roles alone do.
   */
  readonly outside?: boolean;
}

/** Who of a plane goes first where processors are short. */
export type Priority = 'high' | 'normal' | 'low';

export interface Role {
  readonly name: string;
  /** True for the role whose death stops fresh changes from arriving. */
  readonly ingests?: boolean;
  /** `high`: users wait for its answers. `low`: its work can wait (compaction, recomputation). Absent: `normal`. */
  readonly priority?: Priority;
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
  /** The feature view of every customer at one moment, kept, with the versions of all tables that it came from. */
  snapshot(): Promise<SnapshotRef>;
  /** Scores a snapshot with the model and writes what it found: the same request gives the same rows, whenever. */
  score(request: ScoreRequest): Promise<ScoreResult>;
  /** Labels with the features that were true at each one's moment, and nothing later. */
  trainingSet(request: TrainingSetRequest): Promise<TrainingSetRef>;
  /**
   * Serves a snapshot in the place of the newest state: its rows as they were, and the model that it was taken with, until
   * it is rolled forward. Changes are taken in as before. No read shows something of both states.
   */
  rollback(request: RollbackRequest): Promise<ServedState>;
  /** Serves the newest state again, everything that was taken in meanwhile included, with the model published last. */
  rollForward(): Promise<ServedState>;
  /** Makes a version of workloads/model.ts the one that the newest state is served with. */
  publishModel(request: PublishRequest): Promise<ServedState>;
  /** What a scoring wrote, and what a training set has: for the ledger. */
  scoredRows(request: TableRef): AsyncIterable<ScoredRows>;
  trainingRows(request: TableRef): AsyncIterable<readonly TrainingRow[]>;
  /**
   * Changes that were taken in and turned out to be poisoned count as refused from now on, and what was made of them is made
   * again, of the same moments without them: that alone, found by lineage.
   */
  reprocess(request: ReprocessRequest): Promise<ReprocessResult>;
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

/** One version of one table: what it holds does not change any more. */
export interface TableRef {
  readonly table: string;
  readonly version: number;
}

export interface SnapshotRef {
  readonly id: string;
  /** When its windows were evaluated, of every row the same. */
  readonly asOfUs: number;
  readonly rows: number;
  readonly viewVersion: number;
  readonly modelVersion: number;
  /** Everything that it was made of, and itself. */
  readonly tables: Readonly<Record<string, number>>;
}

export interface ScoreRequest {
  /** Id of a snapshot. */
  readonly snapshot: string;
  /** Customers from `from` up to, not including, `to`; absent: all. */
  readonly customers?: CustomerRange;
}
export interface CustomerRange {
  readonly from: number;
  readonly to: number;
}
export interface ScoreResult extends TableRef {
  readonly rows: number;
  /** Of what was read of the snapshot; null where the plane cannot tell. */
  readonly scanned: ScannedBytes | null;
}

/** What a scan read, in layers: from what it had to read down to what the disk was asked for. */
export interface ScannedBytes {
  /** Of the referenced columns, compressed, for the rows that were asked for. */
  readonly liveBytes: number;
  /** Of the column chunks that could not be ruled out. */
  readonly requestedBytes: number;
  /** As the operating system counts what the process read meanwhile; null where it does not, or where other work read too. */
  readonly readBytes: number | null;
}

export interface ReprocessRequest {
  readonly poisoned: readonly ChangeKey[];
}
export interface ReprocessResult {
  readonly assets: readonly ReprocessedAsset[];
  /** In the place of the newest snapshot, where its rows were made again. */
  readonly snapshot: SnapshotRef | null;
  /** What comes from the poisoned changes as well, and was not made again. */
  readonly untouched: readonly string[];
}
/** A table that was made of them; `version` is the one without. */
export interface ReprocessedAsset extends TableRef {
  readonly fromVersion: number;
  /** Rows that were made again, of all of `fromVersion`; files that hold any of them, of all. */
  readonly recomputedRows: number;
  readonly rows: number;
  readonly rewrittenFiles: number;
  readonly files: number;
}

export interface RollbackRequest {
  /** Id of a snapshot. */
  readonly snapshot: string;
}
export interface PublishRequest {
  readonly version: number;
}
/** What reads that begin from now on are answered from. */
export interface ServedState {
  /** Id of the snapshot that is served; null: the newest state. */
  readonly snapshot: string | null;
  readonly modelVersion: number;
}

export interface TrainingSetRequest {
  readonly id: string;
  /** Parquet files in the shape of workloads/labels.ts. */
  readonly labels: readonly string[];
}
export interface TrainingSetRef extends TableRef {
  readonly id: string;
  readonly rows: number;
}

/** Columns, as there may be millions of them. */
export interface ScoredRows {
  readonly customers: readonly number[];
  readonly lastSeqs: readonly number[];
  readonly asOfUs: readonly number[];
  /** Billionths, see `scorePpb` of workloads/model.ts. */
  readonly scoresPpb: readonly number[];
}
export interface TrainingRow {
  readonly labelId: number;
  readonly customer: number;
  readonly labelUs: number;
  readonly label: number;
  /** The highest s such that every change with seq <= s was committed at the source by the label's moment. */
  readonly lastSeq: number;
  /** The moment at which the features were evaluated: the label's. */
  readonly asOfUs: number;
  readonly features: readonly (number | null)[];
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
  /** Absent: the plane keeps all that it stores in one place. */
  readonly tiers?: Readonly<Record<Tier, TierInventory>>;
}
export interface TierInventory {
  readonly files: number;
  readonly bytes: number;
  /** What the same rows took while they were hot. */
  readonly hotBytes: number;
}
