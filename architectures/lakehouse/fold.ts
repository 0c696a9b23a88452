/**
 * Folds a micro-batch into customer rows: one customer after the other, its row read once, its changes applied in the
 * order of their seqs, its row written once.
 *
 * A change that comes before the one it follows is *held* until a later batch. What is held is a copy of rows that the
 * tables have: it may be forgotten at any moment, and then a rebuild reads it again.
 */
import { appendRow, type ChangeRows, createChangeRows } from './change-rows.js';
import { applyChange, type CustomerState, createState, needsTables } from './customer-state.js';
import { encodeState, openState, readFor } from './row-codec.js';

/** Rows to put, as parallel columns. */
export interface ChangedRows {
  readonly customers: number[];
  readonly seqs: number[];
  /** Of two rows of one seq the newer one, which has its history. */
  readonly asOfUs: number[];
  readonly values: Uint8Array[];
}

export interface Folded extends ChangedRows {
  /** Changes that wait for an earlier one. */
  readonly held: ChangeRows;
  /** Customers whose row cannot be told from their row and this batch: it has to be rebuilt from the tables. */
  readonly shortfall: number[];
}

export interface FoldInput {
  /** Changes of this batch, then those held from earlier ones. */
  readonly rows: ChangeRows;
  /** How many of `rows` are of this batch. */
  readonly fresh: number;
  /** True once the history is in the tables: then every row must have it. */
  readonly historyLoaded: boolean;
  /** The end of the contiguous prefix of seqs that the tables and this batch have of a customer. */
  readonly prefix: (customer: number) => number;
  /** What `groupByCustomer` and `customersOf` made of `rows`, and the rows of those customers. */
  readonly groups: Float64Array;
  readonly customerRows: readonly Uint8Array[];
}

/** A row number below 2^32 and a customer below 2^21 (recovery.ts) make one sort key that a double holds. */
const rowBits = 2 ** 32;

const state = createState();

export function foldBatch(input: FoldInput): Folded {
  const { rows, groups, customerRows } = input;
  const folded: Folded = { customers: [], seqs: [], asOfUs: [], values: [], held: createChangeRows(), shortfall: [] };
  let group = -1;
  forEachGroup(rows, groups, (customer, members) => {
    group++;
    if (!members.some((i) => i < input.fresh)) {
      for (const i of members) appendRow(folded.held, rows, i);
      return;
    }
    openState(customerRows[group] as Uint8Array, state);
    const before = state.lastSeq;
    for (const i of members) {
      const seq = rows.seq[i] as number;
      if (seq === state.lastSeq + 1) {
        readFor(state, rows, i);
        applyChange(state, rows, i);
      } else if (seq > state.lastSeq) appendRow(folded.held, rows, i);
    }
    const isShort =
      state.lastSeq < input.prefix(customer) || (input.historyLoaded && !state.history) || needsTables(state);
    if (isShort) folded.shortfall.push(customer);
    else if (state.lastSeq > before) {
      addRow(folded, customer, state);
    }
  });
  return folded;
}

export function addRow(rows: ChangedRows, customer: number, state: CustomerState): void {
  rows.customers.push(customer);
  rows.seqs.push(state.lastSeq);
  rows.asOfUs.push(state.latestUs + (state.history ? 1 : 0));
  rows.values.push(encodeState(state));
}

/** The rows to fold, in order of customer, then arrival; see `forEachGroup`. */
export function groupByCustomer(rows: ChangeRows): Float64Array {
  const keys = new Float64Array(rows.count);
  let count = 0;
  for (let i = 0; i < rows.count; i++)
    if (rows.unfolded[i] === 0) keys[count++] = (rows.customer[i] as number) * rowBits + i;
  return keys.subarray(0, count).sort();
}

export function customersOf(groups: Float64Array): number[] {
  const customers: number[] = [];
  for (const key of groups) {
    const customer = Math.floor(key / rowBits);
    if (customer !== customers[customers.length - 1]) customers.push(customer);
  }
  return customers;
}

/** Calls back per customer with its row numbers in the order of their seqs; the list is reused. */
export function forEachGroup(
  rows: ChangeRows,
  groups: Float64Array,
  visit: (customer: number, members: readonly number[]) => void,
): void {
  const members: number[] = [];
  for (let from = 0; from < groups.length; ) {
    const customer = Math.floor((groups[from] as number) / rowBits);
    const end = (customer + 1) * rowBits;
    members.length = 0;
    for (; from < groups.length && (groups[from] as number) < end; from++) {
      insertBySeq(members, (groups[from] as number) % rowBits, rows);
    }
    visit(customer, members);
  }
}

/** Of equal seqs the sound one comes first: a refused copy of a change never takes its place. */
function insertBySeq(members: number[], row: number, rows: ChangeRows): void {
  const seq = rows.seq[row] as number;
  let at = members.length;
  members.push(row);
  for (; at > 0; at--) {
    const other = members[at - 1] as number;
    const otherSeq = rows.seq[other] as number;
    if (otherSeq < seq || (otherSeq === seq && (rows.refusal[other] === 0 || rows.refusal[row] !== 0))) break;
    members[at] = other;
  }
  members[at] = row;
}
