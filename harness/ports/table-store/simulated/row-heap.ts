/**
 * The rows of one table in memory: columns in pages, only ever appended to. A data file is a set of row numbers, so that
 * files are merged, cut and kept for old readers without a row being copied.
 */

import { serverNumbers } from '../../../simulation/server-memory.js';
import type { Column, ColumnBatch, IntValues, Schema, TextValues } from '../../columns.js';

const pageBits = 14;
/** Also the rows of a page of a scan, at most. */
export const pageRows = 1 << pageBits;
const pageMask = pageRows - 1;

export interface RowRange {
  readonly start: number;
  readonly end: number;
}
/** Row numbers: of neighbours, or of any rows. */
export type Rows = RowRange | Uint32Array;

type Value = number | string | null;
/** Integers, null as NaN: boxed, they would be copied again and again by the collector. What lies beyond the last row is undefined. */
type Page = Float64Array | (string | null)[];

/** Values of a new page; it grows to `pageRows`. Most tables of a small run never fill one. */
const firstRows = 1 << 10;

export class HeapColumn {
  readonly pages: Page[] = [];
  /** Of a text column: what its rows take. */
  textBytes = 0;

  constructor(public column: Column) {}

  at(row: number): Value {
    const value = this.pages[row >>> pageBits]![row & pageMask]!;
    return typeof value === 'number' && Number.isNaN(value) ? null : value;
  }

  bytesAt(row: number): number {
    return this.column.type === 'int' ? intBytes : bytesOfText(this.at(row) as string | null);
  }

  /** The values of neighbours within a page; shared with the heap, where that needs no copy. */
  slice({ start, end }: RowRange): IntValues | TextValues {
    const page = this.pages[start >>> pageBits]!;
    const from = start & pageMask;
    const to = from + end - start;
    if (!(page instanceof Float64Array)) return to - from === pageRows ? page : page.slice(from, to);
    if (!this.column.nullable) return page.subarray(from, to);
    const values = new Array<number | null>(to - from);
    for (let i = from; i < to; i++) values[i - from] = orNull(page[i]!);
    return values;
  }

  gather(rows: Uint32Array): IntValues | TextValues {
    const { pages } = this;
    if (this.column.type === 'text') {
      const texts = new Array<string | null>(rows.length);
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i]!;
        texts[i] = pages[row >>> pageBits]![row & pageMask] as string | null;
      }
      return texts;
    }
    const valueAt = (row: number) => pages[row >>> pageBits]![row & pageMask] as number;
    if (!this.column.nullable) {
      const ints = serverNumbers(rows.length);
      for (let i = 0; i < rows.length; i++) ints[i] = valueAt(rows[i]!);
      return ints;
    }
    const values = new Array<number | null>(rows.length);
    for (let i = 0; i < rows.length; i++) values[i] = orNull(valueAt(rows[i]!));
    return values;
  }

  /** Of a text column: the texts of some rows. */
  addTexts(rows: Rows, texts: Set<string>): void {
    const { pages } = this;
    const isListed = rows instanceof Uint32Array;
    const count = countRows(rows);
    let last: string | null = null;
    // No callback a row: a table may hold each in many versions.
    for (let i = 0; i < count; i++) {
      const row = isListed ? rows[i]! : rows.start + i;
      const text = pages[row >>> pageBits]![row & pageMask] as string | null;
      if (text === null || text === last) continue;
      last = text;
      texts.add(text);
    }
  }

  /** Appends the first `rows` values behind row `at`, the end of the heap. */
  append(values: IntValues | TextValues, at: number, rows: number): void {
    this.extend(at, rows, (page, offset, done, count) => {
      if (page instanceof Float64Array) this.copyInts(page, offset, values as IntValues, done, count);
      else this.pushTexts(page, values as TextValues, done, count);
    });
  }

  /** Appends rows of a column of the same type. */
  appendFrom(other: HeapColumn, rows: Uint32Array, at: number): void {
    if (this.column.type === 'text') {
      this.append(other.gather(rows), at, rows.length);
      return;
    }
    this.extend(at, rows.length, (page, offset, done, count) => {
      for (let i = 0; i < count; i++) {
        const row = rows[done + i]!;
        const value = other.pages[row >>> pageBits]![row & pageMask] as number;
        if (Number.isNaN(value) && !this.column.nullable) this.refuseNull(done + i);
        page[offset + i] = value;
      }
    });
  }

  /** Asks for `count` values from number `done` on for each page that `rows` more rows behind row `at` take up. */
  private extend(
    at: number,
    rows: number,
    fill: (page: Page, offset: number, done: number, count: number) => void,
  ): void {
    for (let done = 0; done < rows; ) {
      const offset = (at + done) & pageMask;
      const count = Math.min(rows - done, pageRows - offset);
      if (offset === 0) this.pages.push(this.column.type === 'int' ? serverNumbers(firstRows) : []);
      const page = this.pages.at(-1)!;
      fill(page instanceof Float64Array ? this.room(page, offset + count) : page, offset, done, count);
      done += count;
    }
  }

  truncate(from: number, to: number): void {
    if (this.column.type === 'text') {
      for (let row = to; row < from; row++) {
        const page = this.pages[row >>> pageBits];
        if (page && (row & pageMask) < page.length) this.textBytes -= this.bytesAt(row);
      }
    }
    this.pages.length = Math.ceil(to / pageRows);
    const last = this.pages.at(-1);
    if (Array.isArray(last)) last.length = Math.min(last.length, to - (this.pages.length - 1) * pageRows);
  }

  /** The last page with room for so many values. */
  private room(page: Float64Array, values: number): Float64Array {
    if (values <= page.length) return page;
    const larger = serverNumbers(Math.min(pageRows, Math.max(values, 4 * page.length)));
    larger.set(page);
    this.pages[this.pages.length - 1] = larger;
    return larger;
  }

  private copyInts(page: Float64Array, offset: number, values: IntValues, from: number, count: number): void {
    if (Array.isArray(values)) {
      for (let i = 0; i < count; i++) {
        const value = values[from + i] as number | null | undefined;
        page[offset + i] = Number.isSafeInteger(value) ? (value as number) : this.checked(value, from + i);
      }
      return;
    }
    const typed = values as Exclude<IntValues, readonly unknown[]>;
    page.set(typed.subarray(from, from + count), offset);
    if (!(typed instanceof Float64Array)) return;
    for (let i = 0; i < count; i++)
      if (!Number.isSafeInteger(page[offset + i])) page[offset + i] = this.checked(typed[from + i], from + i);
  }

  private pushTexts(page: (string | null)[], values: TextValues, from: number, count: number): void {
    for (let i = from; i < from + count; i++) {
      const value = values[i] ?? null;
      if (value === null && !this.column.nullable) this.refuseNull(i);
      // Beside each, as what was pushed before one that is refused is taken away again.
      this.textBytes += bytesOfText(value);
      page.push(value);
    }
  }

  /** NaN for a null, where there may be one; throws for whatever is no integer. */
  private checked(value: number | null | undefined, row: number): number {
    if (Number.isSafeInteger(value)) return value as number;
    if (value !== null && value !== undefined) {
      throw new Error(`Column ${this.column.name}, row ${row}: ${value} is not an integer below 2^53.`);
    }
    if (!this.column.nullable) this.refuseNull(row);
    return Number.NaN;
  }

  private refuseNull(row: number): never {
    throw nullRefused(this.column.name, row);
  }

  /** Takes nulls from now on. */
  relax(): void {
    this.column = { ...this.column, nullable: true };
  }
}

const orNull = (value: number) => (Number.isNaN(value) ? null : value);

function nullRefused(column: string, row: number): Error {
  return new Error(`Column ${column}, row ${row}: null in a column that is not nullable.`);
}

export const intBytes = 8;

/** An estimate that ignores encoding and compression. */
export function bytesOfText(text: string | null): number {
  return text === null ? 1 : text.length + 1;
}

export function bytesOfBatch({ rows, columns }: ColumnBatch, schema: Schema): number {
  let bytes = 0;
  for (const { name, type } of schema) {
    if (type === 'int') bytes += rows * intBytes;
    else for (const text of columns[name] as TextValues) bytes += bytesOfText(text);
  }
  return bytes;
}

export class RowHeap {
  rows = 0;
  private readonly columns: Map<string, HeapColumn>;

  constructor(schema: Schema) {
    this.columns = new Map(schema.map((column) => [column.name, new HeapColumn(column)]));
  }

  /** Of a column that the table has. */
  column(name: string): HeapColumn {
    return this.columns.get(name)!;
  }

  /**
   * Columns of another schema of the table: new ones are null in the rows that are there; what an older schema, which
   * a restore may have gone back to, lacks stays for the versions that had it.
   */
  evolve(schema: Schema): void {
    for (const column of schema) {
      const known = this.columns.get(column.name);
      if (known === undefined) {
        const added = new HeapColumn(column);
        added.append(new Array(this.rows).fill(null), 0, this.rows);
        this.columns.set(column.name, added);
      } else if (known.column.type !== column.type) {
        throw new Error(
          `Simulated tables cannot have column ${column.name} as ${column.type} after a version that has it as ${known.column.type}.`,
        );
      } else if (column.nullable) known.relax();
    }
  }

  /** Copies rows of a table of that schema in; all of them, or none and throws. */
  append(batch: ColumnBatch, schema: Schema): RowRange {
    const wanted = new Map(schema.map((column) => [column.name, column]));
    const valuesOf = ({ name, nullable }: Column) => {
      const values = batch.columns[name];
      if (!wanted.has(name)) return new Array(batch.rows).fill(null);
      if (values === undefined) {
        throw new Error(`The batch has no column ${name}; it has ${Object.keys(batch.columns).join(', ')}.`);
      }
      if (values.length < batch.rows) {
        throw new Error(`Column ${name} has ${values.length} values in a batch of ${batch.rows} rows.`);
      }
      if (nullable && !wanted.get(name)!.nullable) {
        const row = Array.from(values as ArrayLike<unknown>).indexOf(null);
        if (row >= 0 && row < batch.rows) throw nullRefused(name, row);
      }
      return values;
    };
    return this.appendColumns(batch.rows, (column, start) => {
      column.append(valuesOf(column.column), start, batch.rows);
    });
  }

  /** Copies the rows of all batches in, one after the other; all of them, or none and throws. */
  appendAll(batches: readonly ColumnBatch[], schema: Schema): RowRange {
    const start = this.rows;
    try {
      for (const batch of batches) this.append(batch, schema);
    } catch (error) {
      this.discard({ start, end: this.rows });
      throw error;
    }
    return { start, end: this.rows };
  }

  /** Copies rows of a heap; what that lacks is null. */
  appendFrom(other: RowHeap, rows: Uint32Array): RowRange {
    return this.appendColumns(rows.length, (column, start) => {
      const source = other.columns.get(column.column.name);
      if (source) column.appendFrom(source, rows, start);
      else column.append(new Array(rows.length).fill(null), start, rows.length);
    });
  }

  /** Takes rows back that no file refers to; they stay, out of sight, if others came behind them. */
  discard({ start, end }: RowRange): void {
    if (end === this.rows) this.truncate(end, start);
  }

  bytesOf(rows: Rows): number {
    let bytes = 0;
    for (const column of this.columns.values()) {
      if (column.column.type === 'int') bytes += intBytes * countRows(rows);
      else forEachRow(rows, (row) => (bytes += column.bytesAt(row)));
    }
    return bytes;
  }

  /** What some rows take in some columns, by the average row. */
  estimateBytes(names: Iterable<string>, rows: number): number {
    let textBytes = 0;
    let ints = 0;
    for (const name of names) {
      const { column, textBytes: bytes } = this.column(name);
      if (column.type === 'int') ints++;
      else textBytes += bytes;
    }
    return rows * ints * intBytes + Math.round((textBytes * rows) / Math.max(1, this.rows));
  }

  private appendColumns(rows: number, append: (column: HeapColumn, start: number) => void): RowRange {
    const start = this.rows;
    try {
      for (const column of this.columns.values()) append(column, start);
    } catch (error) {
      this.truncate(start + rows, start);
      throw error;
    }
    this.rows = start + rows;
    return { start, end: this.rows };
  }

  private truncate(from: number, to: number): void {
    for (const column of this.columns.values()) column.truncate(from, to);
    this.rows = to;
  }
}

export function countRows(rows: Rows): number {
  return rows instanceof Uint32Array ? rows.length : rows.end - rows.start;
}

export function forEachRow(rows: Rows, visit: (row: number) => void): void {
  if (rows instanceof Uint32Array) for (let i = 0; i < rows.length; i++) visit(rows[i]!);
  else for (let row = rows.start; row < rows.end; row++) visit(row);
}
