import { dirtOf } from './disturbance.js';

export const incompatibleSchema = dirtOf<'incompatible-schema'>(
  'many changes come in a schema that breaks the contract',
  'incompatible_schema',
  ({ ppm }) => ({ incompatiblePpm: ppm }),
);
