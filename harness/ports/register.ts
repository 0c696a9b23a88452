/**
 * A register: one value in the online store, read and changed as a whole. A row replaces only an older one, so of two
 * changes at the same time one comes first and the other is made again, of what the first has left.
 */
import type { OnlineStore } from './online-store/port.js';
import { type Caller, untilDone } from './retries.js';

export interface Register<Value> {
  read(): Promise<Value>;
  /** Tries until the value is there; what it answers. */
  change(change: (value: Value) => Value): Promise<Value>;
}

/** `Value`: what JSON carries. `initially` is what is read before the first change. */
export function openRegister<Value>(
  caller: Caller,
  { store, table, initially }: { readonly store: OnlineStore; readonly table: string; readonly initially: Value },
): Register<Value> {
  async function readVersion(): Promise<{ readonly version: number; readonly value: Value }> {
    const [row] = await store.get(table, [key]);
    if (!row) return { version: 0, value: initially };
    return { version: row.seq, value: JSON.parse(new TextDecoder().decode(row.value)) as Value };
  }

  return {
    read: async () => (await readVersion()).value,
    async change(change) {
      for (;;) {
        const before = await untilDone(caller, readVersion);
        const changed = change(before.value);
        const bytes = new TextEncoder().encode(JSON.stringify(changed));
        const row = { keys: [key], seqs: [before.version + 1], asOfUs: [0], values: [bytes] };
        await untilDone(caller, () => store.put(table, row));
        // A put that was repeated, as its answer was lost, does not tell whose row there is.
        const { value } = await untilDone(caller, readVersion);
        if (JSON.stringify(value) === JSON.stringify(changed)) return changed;
      }
    },
  };
}

const key = 'value';
