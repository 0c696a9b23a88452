/**
 * The table store: open tables on an object store (Delta Lake tables, see delta/README.md for the rules). Commits are
 * atomic and serialised by optimistic concurrency; readers see one version, whole, whatever happens beside them.
 */
import type { ColumnBatch, Schema } from '../columns.js';

export interface TableStore {
  /**
   * Creates the table unless it exists with the same schema, or with one that this has evolved to; any other, or another
   * layout, is an error.
   */
  create(table: string, schema: Schema, layout?: TableLayout): Promise<void>;
  /**
   * Gives the table another schema by metadata alone, and answers the version that has it. Columns may be added behind
   * the others, nullable, and are null in the rows that are there; a column that is not nullable may become so. Anything
   * else would make rows or readers of the past wrong: it is refused, with the reason. Writers go on with the schema
   * that they know.
   */
  evolve(table: string, schema: Schema): Promise<number>;
  /**
   * Appends rows in one commit, exactly once: the commit carries `txns`, and if any of them is already recorded with a
   * version not lower than its own, nothing is written and `committed` is false. A commit with no rows and with txns is
   * allowed (it records progress). A nullable column that the batch lacks is null in all its rows, so that a writer may
   * not know the newest schema; a column that the table lacks is an error.
   */
  append(table: string, rows: ColumnBatch, txns: readonly Txn[]): Promise<AppendResult>;
  /**
   * Puts rows in the place of those that have the same key, and adds the others: in one commit, exactly once by `txns` as
   * `append` does. Each key may be in `rows` once. Of two at the same time that touch the same files one starts again.
   */
  upsert(table: string, rows: ColumnBatch, options: KeyedWrite): Promise<AppendResult>;
  /** Removes the rows whose key is in `keys`, which has the columns of the key; otherwise like `upsert`. */
  remove(table: string, keys: ColumnBatch, options: KeyedWrite): Promise<AppendResult>;
  /** The recorded version of each application id; absent if it never committed. */
  txns(table: string): Promise<ReadonlyMap<string, number>>;
  /** The newest snapshot, or that of a version, of a moment in event time or of a pin. */
  snapshot(table: string, at?: SnapshotTime): Promise<Snapshot>;
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
  /**
   * Merges files below `smallFileBytes` into larger ones; the rows and the answers stay the same. Of a table with
   * `clusterBy` it lays those out anew, and those that never were, so that each file holds a small part of the range of
   * every such column.
   */
  compact(
    table: string,
    options: { readonly smallFileBytes: number; readonly targetFileBytes: number },
  ): Promise<CompactResult>;
  /**
   * Moves files that nobody has written or read for long one tier down, in one commit; the rows and the answers stay the
   * same. Files of pinned versions stay where they are: they would lie there all the same. What is moved back is what is
   * written again, by `upsert`, `fold` or `compact`. The policy is kept as properties of the table.
   */
  tier(table: string, policy: TierPolicy): Promise<TierResult>;
  /**
   * Names a version, whose files then stay whatever is vacuumed. A name may be moved to another version. Of a version
   * that has lost files already there is none.
   */
  pin(table: string, name: string, version: number): Promise<void>;
  unpin(table: string, name: string): Promise<void>;
  /** Pinned versions by name. */
  pins(table: string): Promise<ReadonlyMap<string, number>>;
  /**
   * Commits a version with the files and the schema of an old one, and answers it. What applications have recorded
   * (`txns`) and what is pinned stay as they are.
   */
  restore(table: string, version: number): Promise<number>;
  /** Deletes files that neither a pin nor a snapshot younger than `retainUs` (event time) refers to. */
  vacuum(
    table: string,
    options: { readonly retainUs: number },
  ): Promise<{ readonly deletedFiles: number; readonly deletedBytes: number }>;
  /** Streams columns of a Parquet file that others wrote: how history comes in. */
  readParquet(path: string, schema: Schema): AsyncIterable<ColumnBatch>;
  tables(): Promise<string[]>;
  close(): Promise<void>;
}

/** How rows are put into files; both for tables that are read by the part. */
export interface TableLayout {
  /** Rows of a file have the same values in these columns. */
  readonly partitionBy?: readonly string[];
  /** What `compact` lays files out by. */
  readonly clusterBy?: readonly string[];
}

export interface KeyedWrite {
  /** Columns that identify a row; never null. */
  readonly key: readonly string[];
  readonly txns: readonly Txn[];
  /** Id of the run that its files shall tell, where that is another one than the client's. */
  readonly run?: string;
}

/** A version, the newest one at a moment (not after it), or a pinned one. */
export type SnapshotTime = number | { readonly timestampUs: number } | { readonly pin: string };

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
  readonly tier: Tier;
  /** What its rows took while they were hot. */
  readonly hotBytes: number;
  /** Id of the run that wrote the file; null if its writer did not say. */
  readonly run: string | null;
}

/**
 * Hot: as it was written. Warm: in large files, compressed harder. Cold: the same files under a prefix of their own, for
 * which an object store may have a cheaper class.
 */
export const tierNames = ['hot', 'warm', 'cold'] as const;
export type Tier = (typeof tierNames)[number];

export interface TierPolicy {
  /** A file that is hot and was neither written nor read for so long becomes warm, a warm one cold. */
  readonly warmAfterUs: number;
  readonly coldAfterUs: number;
  readonly targetFileBytes: number;
}

/** What came to be in the tier. */
export interface TierResult {
  readonly warm: Moved;
  readonly cold: Moved;
}
export interface Moved {
  /** That left the tier above. */
  readonly files: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
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
  readonly where?: Predicate;
}

/** Of rows: `column` is one of `values`, or an int column is at least `from` and less than `to`. Never holds for null. */
export type Predicate =
  | { readonly column: string; readonly values: readonly (number | string)[] }
  | { readonly column: string; readonly from?: number; readonly to?: number };

/** What a derivation reads under one name: a snapshot, or Parquet files that others wrote. */
export type Relation =
  | { readonly snapshot: Snapshot; readonly where?: Predicate }
  | { readonly parquet: readonly string[]; readonly schema: Schema };

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
  /** Rows are put in the order of these columns, outermost first: files, and the parts that they are read by, hold neighbours. */
  readonly sortBy?: readonly string[];
  /** How many neighbours readers ask for at a time: what is read by the part is cut so that little of it is read in vain. */
  readonly sliceRows?: number;
  readonly txns: readonly Txn[];
  /** Id of the run that its files shall tell, where that is another one than the client's. */
  readonly run?: string;
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
  /**
   * Bytes that came over the wire, where tables lie behind one; else those that the process read meanwhile, as the
   * operating system counts them; null where it does not tell.
   */
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
