/**
 * Changes as columns: a micro-batch on its way from the log into windows and tables. Numbers that a change does not have
 * are -1, as in DecodedBatch.
 */
import type { ColumnBatch, IntValues, TextValues } from '../../harness/ports/columns.js';
import { type ChangeBatch, opNames, tableNames } from '../../workloads/change-batch.js';
import { type DecodedBatch, refusals } from '../../workloads/data-contract.js';

const numeric = {
  customer: Uint32Array,
  seq: Uint32Array,
  /** Index into `tableNames`. */
  table: Uint8Array,
  /** Index into `opNames`. */
  op: Uint8Array,
  schemaVersion: Uint8Array,
  /** Index into `refusals`; 0: sound. */
  refusal: Uint8Array,
  /** 1: nothing to fold, as its (customer, seq) had come before, or there is no such customer. */
  unfolded: Uint8Array,
  lsn: Float64Array,
  commitUs: Float64Array,
  emitUs: Float64Array,
  entity: Float64Array,
  eventUs: Float64Array,
  amountCents: Int32Array,
  category: Int32Array,
  risk: Int32Array,
  beforeEventUs: Float64Array,
  beforeAmountCents: Int32Array,
  beforeCategory: Int32Array,
} as const;
type NumericName = keyof typeof numeric;
const numericNames = Object.keys(numeric) as NumericName[];

type NumericColumns = { [Name in NumericName]: InstanceType<(typeof numeric)[Name]> };

export interface ChangeRows extends NumericColumns {
  count: number;
  readonly emailToken: (string | null)[];
  readonly phoneToken: (string | null)[];
}

export function createChangeRows(capacity = 1024): ChangeRows {
  return { count: 0, ...allocate(capacity), emailToken: [], phoneToken: [] };
}

function allocate(capacity: number): NumericColumns {
  return Object.fromEntries(numericNames.map((name) => [name, new numeric[name](capacity)])) as NumericColumns;
}

function reserve(rows: ChangeRows, count: number): void {
  if (count <= rows.seq.length) return;
  const larger = allocate(Math.max(count, 2 * rows.seq.length));
  for (const name of numericNames) larger[name].set(rows[name].subarray(0, rows.count));
  Object.assign(rows, larger);
}

/** Appends a block and what the contract made of it; returns the first new row. */
export function appendDecoded(rows: ChangeRows, batch: ChangeBatch, decoded: DecodedBatch): number {
  const { count } = batch;
  const from = rows.count;
  reserve(rows, from + count);
  rows.customer.set(batch.customer, from);
  rows.seq.set(batch.seq, from);
  rows.table.set(batch.table, from);
  rows.op.set(batch.op, from);
  rows.schemaVersion.set(batch.schemaVersion, from);
  rows.lsn.set(batch.lsn, from);
  rows.commitUs.set(batch.commitUs, from);
  rows.emitUs.set(batch.emitUs, from);
  rows.unfolded.fill(0, from, from + count);
  rows.refusal.set(decoded.refusal.subarray(0, count), from);
  rows.entity.set(decoded.entity.subarray(0, count), from);
  rows.eventUs.set(decoded.eventUs.subarray(0, count), from);
  rows.amountCents.set(decoded.amountCents.subarray(0, count), from);
  rows.category.set(decoded.category.subarray(0, count), from);
  rows.risk.set(decoded.risk.subarray(0, count), from);
  rows.beforeEventUs.set(decoded.beforeEventUs.subarray(0, count), from);
  rows.beforeAmountCents.set(decoded.beforeAmountCents.subarray(0, count), from);
  rows.beforeCategory.set(decoded.beforeCategory.subarray(0, count), from);
  for (let i = 0; i < count; i++) {
    rows.emailToken.push(decoded.emailToken[i] ?? null);
    rows.phoneToken.push(decoded.phoneToken[i] ?? null);
  }
  rows.count += count;
  return from;
}

/** Appends row i of other rows. */
export function appendRow(rows: ChangeRows, from: ChangeRows, i: number): void {
  const at = rows.count;
  reserve(rows, at + 1);
  for (const name of numericNames) rows[name][at] = from[name][i] as number;
  rows.emailToken.push(from.emailToken[i] ?? null);
  rows.phoneToken.push(from.phoneToken[i] ?? null);
  rows.count++;
}

/** The first `count` rows in the shape of `changeSchema`. */
export function toColumns(rows: ChangeRows, count: number): ColumnBatch {
  return {
    rows: count,
    columns: {
      customer: rows.customer.subarray(0, count),
      seq: rows.seq.subarray(0, count),
      source_table: names(rows.table, tableNames, count),
      op: names(rows.op, opNames, count),
      lsn: rows.lsn.subarray(0, count),
      commit_us: rows.commitUs.subarray(0, count),
      emit_us: rows.emitUs.subarray(0, count),
      schema_version: rows.schemaVersion.subarray(0, count),
      refused: names(rows.refusal, [null, ...refusals.slice(1)], count),
      entity: nullable(rows.entity, count),
      event_us: nullable(rows.eventUs, count),
      amount_cents: nullable(rows.amountCents, count),
      category: nullable(rows.category, count),
      risk: nullable(rows.risk, count),
      before_event_us: nullable(rows.beforeEventUs, count),
      before_amount_cents: nullable(rows.beforeAmountCents, count),
      before_category: nullable(rows.beforeCategory, count),
      email_token: rows.emailToken.slice(0, count),
      phone_token: rows.phoneToken.slice(0, count),
    },
  };
}

function names(codes: Uint8Array, texts: readonly (string | null)[], count: number): TextValues {
  const values = new Array<string | null>(count);
  for (let i = 0; i < count; i++) values[i] = texts[codes[i] as number] ?? null;
  return values;
}

function nullable(numbers: Float64Array | Int32Array, count: number): IntValues {
  const values = new Array<number | null>(count);
  for (let i = 0; i < count; i++) {
    const value = numbers[i] as number;
    values[i] = value === -1 ? null : value;
  }
  return values;
}

/** Columns of the `changes` table from which rows can be folded again. */
export const foldedColumns = [
  'customer',
  'seq',
  'source_table',
  'commit_us',
  'refused',
  'entity',
  'event_us',
  'amount_cents',
  'category',
  'risk',
  'before_event_us',
  'before_amount_cents',
  'before_category',
] as const;

const tableCodes = new Map<string | null, number>(tableNames.map((name, code) => [name, code]));
const refusalCodes = new Map<string | null, number>([[null, 0], ...refusals.slice(1).map(codeOfRefusal)]);

function codeOfRefusal(name: string, index: number): [string, number] {
  return [name, index + 1];
}

/** Appends rows that were read from the table; they can be folded, not stored again. */
export function appendScanned(rows: ChangeRows, { rows: count, columns }: ColumnBatch): void {
  const from = rows.count;
  reserve(rows, from + count);
  const copy = (name: NumericName, column: (typeof foldedColumns)[number]) => {
    const values = columns[column] as IntValues;
    const target = rows[name];
    for (let i = 0; i < count; i++) target[from + i] = values[i] ?? -1;
  };
  copy('customer', 'customer');
  copy('seq', 'seq');
  copy('commitUs', 'commit_us');
  copy('entity', 'entity');
  copy('eventUs', 'event_us');
  copy('amountCents', 'amount_cents');
  copy('category', 'category');
  copy('risk', 'risk');
  copy('beforeEventUs', 'before_event_us');
  copy('beforeAmountCents', 'before_amount_cents');
  copy('beforeCategory', 'before_category');
  for (let i = 0; i < count; i++) {
    rows.table[from + i] = tableCodes.get(columns.source_table?.[i] as string) as number;
    rows.refusal[from + i] = refusalCodes.get((columns.refused?.[i] ?? null) as string | null) as number;
    rows.unfolded[from + i] = 0;
    rows.emailToken.push(null);
    rows.phoneToken.push(null);
  }
  rows.count += count;
}
