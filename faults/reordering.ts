import { dirtOf } from './disturbance.js';

export const reordering = dirtOf<'reordering'>(
  'the source delivers many changes out of order',
  'out_of_order',
  ({ ppm }) => ({ outOfOrderPpm: ppm }),
  // One that is held back is out of order if another one of its partition comes meanwhile: of few changes not all are.
  0.5,
);
