import { tableStoreContract } from './contract.js';
import { simulateTableStore } from './simulated.js';

const free = { use: async () => {}, busyUs: () => 0 };

tableStoreContract('simulated', () => {
  let place: ReturnType<typeof simulateTableStore> | undefined;
  return {
    open: (clock) => {
      place ??= simulateTableStore({ clock, resource: free, parquet: () => [] });
      return place;
    },
    destroy: async () => {},
  };
});
