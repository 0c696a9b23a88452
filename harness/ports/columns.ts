/** Rows as parallel columns: the currency of the table store, the warehouse and the recorded facts. */

/** `int` holds integers up to 2^53 (BIGINT); `text` UTF-8 (VARCHAR). There are no floating-point columns by design. */
export type ColumnType = 'int' | 'text';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
}

export type Schema = readonly Column[];

/** Values of an `int` column: a typed array where there are no nulls. */
export type IntValues = Float64Array | Int32Array | Uint32Array | Uint8Array | readonly (number | null)[];
export type TextValues = readonly (string | null)[];

export interface ColumnBatch {
  readonly rows: number;
  readonly columns: Readonly<Record<string, IntValues | TextValues>>;
}
