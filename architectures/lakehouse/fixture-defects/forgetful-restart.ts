/** A stream that starts again goes on with empty windows: it reads its rows without their tiles. */
import { createState } from '../customer-state.js';
import { decodeState, encodeState } from '../row-codec.js';
import { changesTable, streamTxn } from '../tables.js';
import { breakRole, withPort } from './broken-role.js';

const state = createState();

export default breakRole('stream', 'forgetful-restart', (context) =>
  withPort(context, 'onlineStore', (store) => {
    let restarted: Promise<boolean> | null = null;
    const hasCommits = async () => {
      const txns = await context.ports.tables.txns(changesTable);
      return Array.from({ length: context.contract.partitions }, (_, i) => streamTxn(i)).some((id) => txns.has(id));
    };
    return {
      async get(table, keys) {
        restarted ??= hasCommits();
        const rows = await store.get(table, keys);
        return (await restarted) ? rows.map((row) => row && { ...row, value: withoutTiles(row.value) }) : rows;
      },
    };
    function withoutTiles(value: Uint8Array): Uint8Array {
      if (value.length === 0) return value; // tells that the store is whole
      decodeState(value, state);
      for (const tiles of state.tiles) tiles.count = 0;
      state.categories.count = 0;
      return encodeState(state);
    }
  }),
);
