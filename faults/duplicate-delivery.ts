import { disturbanceOf } from './disturbance.js';

export const duplicateDelivery = disturbanceOf<'duplicate-delivery'>(
  'the source delivers many changes twice',
  'duplicate',
  ({ ppm }) => ({ dirt: { duplicatePpm: ppm } }),
);
