import { disturbanceOf } from './disturbance.js';

export const reordering = disturbanceOf<'reordering'>(
  'the source delivers many changes out of order',
  'out_of_order',
  ({ ppm }) => ({ dirt: { outOfOrderPpm: ppm } }),
);
