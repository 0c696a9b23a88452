/** The stream's copy of the online rows. It is the only writer of them, so what it has is what is stored. */
import type { RoleContext } from '../../harness/architecture.js';
import { untilDone } from '../../harness/ports/retries.js';
import { createState } from './customer-state.js';
import type { ChangedRows } from './fold.js';
import { encodeState } from './row-codec.js';
import { rowTable } from './tables.js';

export interface CustomerRows {
  /** The rows of customers, in their order, read from the store where they are not in memory. */
  load(customers: readonly number[]): Promise<Uint8Array[]>;
  /** Takes over rows that were put, or are about to be. */
  takeOver(rows: ChangedRows): void;
  /** Forgets the rows that were loaded or taken over longest ago. To be called only when all of them are stored. */
  trim(): void;
}

const keysPerGet = 5_000;

/** The row of a customer of whom nothing is known. */
export const newRow: Uint8Array = encodeState(createState());

export function createCustomerRows(context: RoleContext, capacity: number): CustomerRows {
  const { onlineStore } = context.ports;
  const rows = new Map<number, Uint8Array>();
  return {
    async load(customers) {
      const loaded = customers.map((customer) => rows.get(customer));
      const missing = customers.flatMap((_, i) => (loaded[i] ? [] : [i]));
      const reads: Promise<void>[] = [];
      for (let from = 0; from < missing.length; from += keysPerGet)
        reads.push(read(customers, missing.slice(from, from + keysPerGet), loaded));
      await Promise.all(reads);
      return loaded as Uint8Array[];
    },
    takeOver({ customers, values }) {
      for (let i = 0; i < customers.length; i++) {
        const customer = customers[i] as number;
        const row = rows.get(customer);
        rows.delete(customer); // so that it goes to the end: a Map keeps the order of insertion
        rows.set(customer, copied(values[i] as Uint8Array, row));
      }
    },
    trim() {
      for (const customer of rows.keys()) {
        if (rows.size <= capacity) return;
        rows.delete(customer);
      }
    },
  };

  async function read(
    customers: readonly number[],
    missing: readonly number[],
    loaded: (Uint8Array | undefined)[],
  ): Promise<void> {
    const keys = missing.map((i) => String(customers[i]));
    const found = await untilDone(context, () => onlineStore.get(rowTable, keys));
    for (const [n, stored] of found.entries()) {
      const i = missing[n] as number;
      // A copy: what a port returns may be a view of a whole answer, which a kept row must not keep alive.
      const row = stored ? copied(stored.value, undefined) : newRow;
      loaded[i] = row;
      rows.set(customers[i] as number, row);
    }
  }
}

/** A copy in the memory of the row that it replaces, where that is large enough; else with some room to grow. */
function copied(value: Uint8Array, replaced: Uint8Array | undefined): Uint8Array {
  if (replaced && replaced !== newRow && replaced.length === value.length) {
    replaced.set(value);
    return replaced;
  }
  const own = replaced && replaced !== newRow && replaced.buffer.byteLength >= value.length ? replaced.buffer : null;
  const row = new Uint8Array(own ?? new ArrayBuffer(value.length + (value.length >>> 2)), 0, value.length);
  row.set(value);
  return row;
}
