/** A serving role that keeps copies of rows and answers with something of a copy and something of the row as it is. */
import { type CustomerState, createState } from '../customer-state.js';
import { decodeState, encodeState } from '../row-codec.js';
import { breakRole, withPort } from './broken-role.js';

const keepUs = 1_000_000;
const [newer, older] = [createState(), createState()];

export const mixCopies = (name: string, mix: (newer: CustomerState, older: CustomerState) => CustomerState) =>
  breakRole('serving', name, (context) =>
    withPort(context, 'onlineStore', (store) => {
      const copies = new Map<string, { readonly value: Uint8Array; readonly untilUs: number }>();
      return {
        async get(table, keys) {
          const rows = await store.get(table, keys);
          return rows.map((row, i) => row && { ...row, value: mixWithCopy(keys[i] as string, row.value) });
        },
      };
      function mixWithCopy(key: string, value: Uint8Array): Uint8Array {
        const nowUs = context.clock.nowUs();
        const copy = copies.get(key);
        if (!copy || copy.untilUs <= nowUs) {
          copies.set(key, { value: value.slice(), untilUs: nowUs + keepUs });
          return value;
        }
        decodeState(value, newer);
        decodeState(copy.value, older);
        return encodeState(mix(newer, older));
      }
    }),
  );
