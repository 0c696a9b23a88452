/**
 * The online store: rows by key in named tables, for reads in microseconds. A row has a version `(seq, asOfUs)` and is
 * replaced only by a newer one, which makes every put idempotent and replays harmless.
 */
export interface OnlineStore {
  /**
   * Puts rows, each only if it is newer: seq greater, or seq equal and asOfUs greater. Durable against the death of any
   * process when it resolves. Atomic per call: after a crash either every row of the call was considered or none.
   */
  put(table: string, rows: RowBatch): Promise<PutResult>;
  /** The rows of `keys`, in their order; null where there is none or its time to live is over. One consistent read. */
  get(table: string, keys: readonly string[]): Promise<(StoredRow | null)[]>;
  /** Every live row in key order (bytewise), a page at a time; `after` is the last key of the previous page. */
  scan(table: string, after: string | null, limit: number): Promise<KeyedRow[]>;
  /** Removes the table and its rows; a table that does not exist is already dropped. */
  drop(table: string): Promise<void>;
  /** The names of the tables that were put into and not dropped since. */
  tables(): Promise<string[]>;
  close(): Promise<void>;
}

/** Parallel columns, one entry a row. */
export interface RowBatch {
  readonly keys: readonly string[];
  readonly seqs: readonly number[];
  readonly asOfUs: readonly number[];
  readonly values: readonly Uint8Array[];
  /** Event time after which the rows are no longer served; absent: they stay. */
  readonly expiresUs?: number;
}

export interface PutResult {
  readonly written: number;
  /** Rows that were not newer than what is stored, and changed nothing. */
  readonly stale: number;
}

export interface StoredRow {
  readonly seq: number;
  readonly asOfUs: number;
  readonly value: Uint8Array;
}
export interface KeyedRow extends StoredRow {
  readonly key: string;
}
