/**
 * The warehouse: one server with tables, set-oriented statements and bounded concurrency. A relational port: planes say
 * *what* in data, the variant writes the SQL. Each call is one transaction: durable and whole when it resolves. Calls
 * that write rows take effect one after the other, in the order in which they arrive; only `insert` and `query`, which may
 * take long, run beside them, each on what there was when it began.
 */
import type { FeatureView } from '../../../workloads/feature-view.js';
import type { ColumnBatch, Schema } from '../columns.js';

export interface Warehouse {
  /** Creates the table unless it exists; an existing table with another schema is an error. */
  createTable(table: string, schema: Schema): Promise<void>;
  /**
   * Appends rows to a table and, in the same transaction, moves the source's recorded position from `position.from` to
   * `position.to`. Rejects, and appends nothing, if the recorded position is not `from`: so nothing is staged twice or
   * skipped, even when the call of a loader that died arrives after those of its successor.
   */
  stage(table: string, rows: ColumnBatch, position: PositionMove): Promise<void>;
  /** Where the source's next `stage` goes on; null before its first. */
  position(source: string): Promise<readonly number[] | null>;
  /**
   * Moves every staged row into `into`: rows whose key is already in `into`, or appeared earlier in the staging order,
   * go to `duplicatesInto` instead. Empties the staging table. All three tables have the same columns.
   */
  merge(spec: MergeSpec): Promise<{ readonly merged: number; readonly duplicates: number }>;
  /** Bulk-loads a Parquet file written by others, whose columns are those of the table. Exactly once a `source` name. */
  copy(table: string, parquetPath: string, source: string): Promise<{ readonly rows: number }>;
  /**
   * Brings the materialised feature view up to `asOfUs`: changes, by SQL, every entity that has new merged changes or
   * an event that left or entered one of its windows since the last refresh. The view's time is the latest of `asOfUs`,
   * its former time and the commit times of the changes that it reflects.
   */
  refresh(spec: RefreshSpec): Promise<{ readonly entities: number }>;
  /**
   * The view's rows of `keys`, in their order, with the event time at which the view was last refreshed. The answers
   * come from one snapshot. A view that was never refreshed is an error.
   */
  read(view: string, keys: readonly number[]): Promise<ViewRows>;
  /**
   * Appends to a table what the query answers, in its order, and moves the position in the same transaction, by the rule
   * of `stage`: so whatever failed or was asked for twice, the rows of a step are there once. One insert at a time; no
   * other call waits for it.
   */
  insert(table: string, query: Query, position: PositionMove): Promise<{ readonly rows: number }>;
  /** Streams what the query answers, in its order, with the columns of `schema`. */
  query(query: Query, schema: Schema): AsyncIterable<ColumnBatch>;
  /** Streams columns of a table as it is when the first rows are asked for; for exports, never for serving. */
  scan(table: string, columns: readonly string[]): AsyncIterable<ColumnBatch>;
  /** The names of the tables that were created through the port, and of the views that were refreshed. */
  tables(): Promise<string[]>;
  /** Size of every file that holds data, and the rows of all tables that were created through the port. */
  inventory(): Promise<{ readonly fileBytes: readonly number[]; readonly rows: number }>;
  close(): Promise<void>;
}

export interface PositionMove {
  readonly source: string;
  /** What `position` answered; null: nothing has been staged from this source. */
  readonly from: readonly number[] | null;
  readonly to: readonly number[];
}

export interface Query {
  /** What is read, by the names under which `sql` refers to it; it can refer to nothing else. */
  readonly from: Readonly<Record<string, Relation>>;
  /** One SELECT in DuckDB's dialect; columns are found by name, int columns must be of an integer type. */
  readonly sql: string;
}

export type Relation =
  /** `rows`: only so many, those that were put in first. A table that is only ever added to is thereby what it once was. */
  | { readonly table: string; readonly rows?: number }
  /** As it was last refreshed: customer, last_seq, as_of_us, and the features by name; only customers that it knows. */
  | { readonly view: FeatureView }
  /** Files that others wrote. */
  | { readonly parquet: readonly string[]; readonly schema: Schema };

export interface MergeSpec {
  readonly from: string;
  readonly into: string;
  readonly key: readonly string[];
  readonly duplicatesInto: string;
}

export interface RefreshSpec {
  readonly view: FeatureView;
  /**
   * The prefix of the names of the history tables: `history_` stands for `history_orders`, `history_clicks` and
   * `history_devices`, in the shapes of `historySchemas` (workloads/fact-schemas.ts). A refresh after more history was
   * loaded builds the view anew.
   */
  readonly history: string;
  /** The table of merged changes, in the shape of `changeSchema`; filled by `merge` only, with key (customer, seq). */
  readonly changes: string;
  readonly asOfUs: number;
}

export interface ViewRows {
  readonly asOfUs: number;
  /** Per key: last_seq and, in the order of the view's features, integers or null; null where the entity is unknown. */
  readonly rows: readonly ({ readonly lastSeq: number; readonly features: readonly (number | null)[] } | null)[];
}
