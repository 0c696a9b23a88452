/**
 * The table store: open tables on an object store (Delta Lake tables, see delta/README.md for the rules). Commits are
 * atomic and serialised by optimistic concurrency; readers see one version, whole, whatever happens beside them.
 */
import type { ColumnBatch, Schema } from '../columns.js';

export interface TableStore {
  /** Creates the table unless it exists with the same schema; another schema is an error. */
  create(table: string, schema: Schema): Promise<void>;
  /**
   * Appends rows in one commit, exactly once: the commit carries `txns`, and if any of them is already recorded with a
   * version not lower than its own, nothing is written and `committed` is false. A commit with no rows and with txns is
   * allowed (it records progress).
   */
  append(table: string, rows: ColumnBatch, txns: readonly Txn[]): Promise<AppendResult>;
  /** The recorded version of each application id; absent if it never committed. */
  txns(table: string): Promise<ReadonlyMap<string, number>>;
  /** The newest snapshot, or that of `version`. */
  snapshot(table: string, version?: number): Promise<Snapshot>;
  /** Streams rows of a snapshot, columns as named, in no promised order. `since`: only files added after that version. */
  scan(snapshot: Snapshot, query: ScanQuery): AsyncIterable<ColumnBatch>;
  /**
   * Folds changes into an upserted table: takes the rows appended to `from` since the last fold into `into` (the
   * position is a txn of `into`), keeps the latest row a key by `order`, drops keys whose latest row is a deletion, and
   * commits once. Safe to repeat and to run beside appends.
   */
  fold(spec: FoldSpec): Promise<FoldResult>;
  /** Merges files below `smallFileBytes` into larger ones; the rows and the answers stay the same. */
  compact(
    table: string,
    options: { readonly smallFileBytes: number; readonly targetFileBytes: number },
  ): Promise<CompactResult>;
  /** Deletes files that no snapshot younger than `retainUs` (event time) refers to. */
  vacuum(
    table: string,
    options: { readonly retainUs: number },
  ): Promise<{ readonly deletedFiles: number; readonly deletedBytes: number }>;
  /** Streams columns of a Parquet file that others wrote: how history comes in. */
  readParquet(path: string, schema: Schema): AsyncIterable<ColumnBatch>;
  tables(): Promise<string[]>;
  close(): Promise<void>;
}

/** Delta's `txn` action: application `appId` has committed everything up to `version`. */
export interface Txn {
  readonly appId: string;
  readonly version: number;
}

export interface AppendResult {
  readonly committed: boolean;
  /** The table version written, or the newest version seen when nothing was committed. */
  readonly version: number;
}

export interface DataFile {
  readonly path: string;
  readonly bytes: number;
  readonly rows: number;
  /** Id of the run that wrote the file; null if its writer did not say. */
  readonly run: string | null;
}

export interface Snapshot {
  readonly table: string;
  readonly version: number;
  readonly schema: Schema;
  readonly files: readonly DataFile[];
}

export interface ScanQuery {
  readonly columns: readonly string[];
  /** Only files added by commits after this table version. */
  readonly since?: number;
  /** Rows where `column` is one of `values`. */
  readonly where?: { readonly column: string; readonly values: readonly number[] };
}

export interface FoldSpec {
  readonly from: string;
  readonly into: string;
  /** Columns that identify an entity, in both tables. */
  readonly key: readonly string[];
  /** Int column; the row with the greatest value is the latest of its key. */
  readonly order: string;
  /** Rows of `from` to consider: those where this nullable column is null (the changes that were not refused). */
  readonly unless?: string;
  /** Text column and value that mark a deletion. */
  readonly deletion: { readonly column: string; readonly value: string };
}

export interface FoldResult {
  readonly foldedRows: number;
  readonly version: number;
}
export interface CompactResult {
  readonly filesBefore: number;
  readonly filesAfter: number;
}
