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
  /**
   * Computes rows by SQL over snapshots and Parquet files, and commits them once, exactly once by `txns` as `append`
   * does; no row leaves the engine. Which rows come out is a function of the relations: SQL must not ask for the time or
   * for chance. No snapshot of `into` may be replaced that is not the newest when the commit is made.
   */
  derive(spec: DeriveSpec): Promise<DeriveResult>;
  /** Streams what the same SQL answers, in its order, with the columns of `schema`; nothing is written. */
  query(spec: QuerySpec): AsyncIterable<ColumnBatch>;
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

/** What a derivation reads under one name: a snapshot, or Parquet files that others wrote. */
export type Relation =
  | { readonly snapshot: Snapshot; readonly where?: RelationPredicate }
  | { readonly parquet: readonly string[]; readonly schema: Schema };

/** Rows where `column` is one of `values`, or the int column is at least `from` and less than `to`. */
export type RelationPredicate =
  | NonNullable<ScanQuery['where']>
  | { readonly column: string; readonly from?: number; readonly to?: number };

export interface QuerySpec {
  /** By the names under which `sql` refers to them. */
  readonly from: Readonly<Record<string, Relation>>;
  /** One SELECT in DuckDB's dialect; columns are found by name, int columns must be of an integer type. */
  readonly sql: string;
  readonly schema: Schema;
}

export interface DeriveSpec extends Omit<QuerySpec, 'schema'> {
  /** An existing table, whose columns are those of `sql`. */
  readonly into: string;
  /** Whether what was in the table stays, or is replaced in the same commit. */
  readonly mode: 'append' | 'replace';
  /** Rows are sorted by these columns, outermost first, over all files of the derivation. */
  readonly sortBy?: readonly string[];
  readonly txns: readonly Txn[];
}

/** All but `version` is 0 when nothing was committed. */
export interface DeriveResult extends AppendResult {
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
  readonly scanned: Scanned;
}

/** What a derivation read, by layers: their ratios say where reading was amplified. */
export interface Scanned {
  /** Of snapshots: bytes of the columns that the SQL refers to, for the share of the rows that are asked for. */
  readonly liveBytes: number;
  /** Of snapshots: bytes of the same columns in the files and row groups that could not be ruled out. */
  readonly requestedBytes: number;
  /** Bytes that the process read meanwhile, as the operating system counts them; null where it does not tell. */
  readonly readBytes: number | null;
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
