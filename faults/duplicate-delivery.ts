import { dirtOf } from './disturbance.js';

export const duplicateDelivery = dirtOf<'duplicate-delivery'>(
  'the source delivers many changes twice',
  'duplicate',
  ({ ppm }) => ({ duplicatePpm: ppm }),
);
