import { outageOf } from './outage.js';
import { tableStores } from './port-injury.js';

export const tableStoreOutage = outageOf<'table-store-outage'>(
  'the store of the tables is gone for a while',
  tableStores,
);
