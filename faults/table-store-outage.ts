import { outageOf } from './outage.js';

/** Whichever of both a plane keeps its tables in: one with a warehouse reads only history from the other. */
export const tableStoreOutage = outageOf<'table-store-outage'>('the store of the tables is gone for a while', [
  'warehouse',
  'tables',
]);
