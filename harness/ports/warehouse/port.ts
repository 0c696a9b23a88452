/**
 * The warehouse: one server with tables, set-oriented statements and bounded concurrency. A relational port: planes say
 * *what* in data, the variant writes the SQL. Each call is one transaction: durable and whole when it resolves.
 */
import type { FeatureView } from '../../../workloads/feature-view.js';
import type { ColumnBatch, Schema } from '../columns.js';

export interface Warehouse {
  createTable(table: string, schema: Schema): Promise<void>;
  /**
   * Appends rows to a staging table and, in the same transaction, records `position` under `source`: the resume
   * position of a loader, so that nothing is staged twice or skipped.
   */
  stage(table: string, rows: ColumnBatch, position: LoadPosition): Promise<void>;
  position(source: string): Promise<readonly number[] | null>;
  /**
   * Moves every staged row into `into`: rows whose key is already in `into`, or appeared earlier in the staging order,
   * go to `duplicatesInto` instead. Empties the staging table.
   */
  merge(spec: MergeSpec): Promise<{ readonly merged: number; readonly duplicates: number }>;
  /** Bulk-loads a Parquet file written by others, whose columns are those of the table. Exactly once a `source` name. */
  copy(table: string, parquetPath: string, source: string): Promise<{ readonly rows: number }>;
  /**
   * Brings the materialised feature view up to `asOfUs`: recomputes by SQL every entity that has new merged changes or
   * an event that left or entered one of its windows since the last refresh.
   */
  refresh(spec: RefreshSpec): Promise<{ readonly entities: number }>;
  /**
   * The view's rows of `keys`, in their order, with the event time at which the view was last refreshed. The answers
   * come from one snapshot.
   */
  read(view: string, keys: readonly number[]): Promise<ViewRows>;
  /** Streams columns of a table, optionally filtered; for exports, never for serving. */
  scan(table: string, columns: readonly string[]): AsyncIterable<ColumnBatch>;
  inventory(): Promise<{ readonly files: number; readonly bytes: number; readonly rows: number }>;
  close(): Promise<void>;
}

export interface LoadPosition {
  readonly source: string;
  readonly offsets: readonly number[];
}

export interface MergeSpec {
  readonly from: string;
  readonly into: string;
  readonly key: readonly string[];
  readonly duplicatesInto: string;
}

export interface RefreshSpec {
  readonly view: FeatureView;
  /** The table of history facts (no seq) and the table of merged changes; both in the shapes of workloads/fact-schemas.ts. */
  readonly history: string;
  readonly changes: string;
  readonly asOfUs: number;
}

export interface ViewRows {
  readonly asOfUs: number;
  /** Per key: last_seq and, in the order of the view's features, integers or null; null where the entity is unknown. */
  readonly rows: readonly ({ readonly lastSeq: number; readonly features: readonly (number | null)[] } | null)[];
}
