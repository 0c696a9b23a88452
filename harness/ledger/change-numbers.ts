/**
 * Numbers for the changes of a trace, so that whatever is kept for each of them is an entry of a typed array: the
 * changes of customer 0 by seq, then those of customer 1, and so on.
 */
import type { EmissionIndex } from '../../workloads/emissions.js';

export interface ChangeNumbers {
  /** Distinct changes, numbered from 0. */
  readonly changes: number;
  readonly customers: number;
  /** -1 for a change that is not in the trace. */
  numberOf(customer: number, seq: number): number;
  /** 0 where the customer has no changes. */
  highestSeq(customer: number): number;
}

export function numberChanges({ customers, highestSeq }: EmissionIndex): ChangeNumbers {
  const first = new Uint32Array(customers + 1);
  for (let id = 0; id < customers; id++) first[id + 1] = first[id]! + highestSeq(id);
  return {
    changes: first[customers]!,
    customers,
    numberOf: (customer, seq) =>
      seq >= 1 && seq <= highestSeq(customer) && Number.isInteger(seq) ? first[customer]! + seq - 1 : -1,
    highestSeq,
  };
}
