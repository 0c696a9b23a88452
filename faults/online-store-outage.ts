import { outageOf } from './outage.js';

export const onlineStoreOutage = outageOf<'online-store-outage'>('the online store is gone for a while', [
  'onlineStore',
]);
