import { dirtOf } from './disturbance.js';

export const reordering = dirtOf<'reordering'>(
  'the source delivers many changes out of order',
  'out_of_order',
  ({ ppm }) => ({ outOfOrderPpm: ppm }),
);
