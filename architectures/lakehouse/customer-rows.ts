/** The stream's copy of the online rows. It is the only writer of them, so what it has is what is stored. */
import type { RoleContext } from '../../harness/architecture.js';
import { createState } from './customer-state.js';
import type { ChangedRows } from './fold.js';
import { untilDone } from './retries.js';
import { encodeState } from './row-codec.js';
import { rowTable } from './tables.js';

export interface CustomerRows {
  /** Reads the rows of customers that are not in memory. */
  load(customers: readonly number[]): Promise<void>;
  /** The row of a customer that was loaded; the row of a new customer if the store has none. */
  get(customer: number): Uint8Array;
  /** Takes over rows that were put, or are about to be. */
  takeOver(rows: ChangedRows): void;
  /** Forgets the rows that were loaded or taken over longest ago. To be called only when all of them are stored. */
  trim(): void;
}

const keysPerGet = 5_000;

/** The row of a customer of whom nothing is known. */
export const newRow: Uint8Array = encodeState(createState(), 0);

export function createCustomerRows(context: RoleContext, capacity: number): CustomerRows {
  const { onlineStore } = context.ports;
  const rows = new Map<number, Uint8Array>();
  return {
    async load(customers) {
      const missing = customers.filter((customer) => !rows.has(customer));
      for (let from = 0; from < missing.length; from += keysPerGet) {
        const some = missing.slice(from, from + keysPerGet);
        const found = await untilDone(context, () => onlineStore.get(rowTable, some.map(String)));
        // A copy: what a port returns may be a view of a whole answer, which a kept row must not keep alive.
        for (const [i, row] of found.entries()) rows.set(some[i] as number, row ? row.value.slice() : newRow);
      }
    },
    get(customer) {
      const row = rows.get(customer);
      if (!row) throw new Error(`row of customer ${customer}: not loaded; load() it before it is folded`);
      return row;
    },
    takeOver({ customers, values }) {
      for (const [i, customer] of customers.entries()) {
        rows.delete(customer); // so that it goes to the end: a Map keeps the order of insertion
        rows.set(customer, values[i] as Uint8Array);
      }
    },
    trim() {
      for (const customer of rows.keys()) {
        if (rows.size <= capacity) return;
        rows.delete(customer);
      }
    },
  };
}
