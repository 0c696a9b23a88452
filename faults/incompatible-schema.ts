import { disturbanceOf } from './disturbance.js';

export const incompatibleSchema = disturbanceOf<'incompatible-schema'>(
  'many changes come in a schema that breaks the contract',
  'incompatible_schema',
  ({ ppm }) => ({ dirt: { incompatiblePpm: ppm } }),
);
