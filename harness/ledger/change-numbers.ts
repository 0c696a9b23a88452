/**
 * Numbers for the changes of a trace, so that whatever is kept for each of them is an entry of a typed array: the
 * changes of customer 0 by seq, then those of customer 1, and so on.
 */
import { viewBlock } from '../../workloads/change-batch.js';
import { readEntries, type TraceInfo } from '../../workloads/trace.js';
import { HarnessError } from '../errors.js';

export interface ChangeNumbers {
  /** Distinct changes, numbered from 0. */
  readonly changes: number;
  readonly customers: number;
  /** -1 for a change that is not in the trace. */
  numberOf(customer: number, seq: number): number;
  /** 0 where the customer has no changes. */
  highestSeq(customer: number): number;
}

export async function numberChanges(directory: string, info: TraceInfo): Promise<ChangeNumbers> {
  const { customers } = info.contract;
  const highest = new Uint32Array(customers);
  for await (const { block } of readEntries(directory)) {
    const { count, customer, seq } = viewBlock(block);
    for (let i = 0; i < count; i++) {
      const id = customer[i]!;
      if (id >= customers) throw new HarnessError(`trace: customer ${id} of ${customers}; the trace is damaged`);
      if (seq[i]! > highest[id]!) highest[id] = seq[i]!;
    }
  }
  const first = new Uint32Array(customers + 1);
  for (let id = 0; id < customers; id++) first[id + 1] = first[id]! + highest[id]!;
  return {
    changes: first[customers]!,
    customers,
    numberOf: (customer, seq) =>
      seq >= 1 && seq <= (highest[customer] ?? 0) && Number.isInteger(seq) ? first[customer]! + seq - 1 : -1,
    highestSeq: (customer) => highest[customer] ?? 0,
  };
}
