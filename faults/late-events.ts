import { disturbanceOf } from './disturbance.js';

export const lateEvents = disturbanceOf<'late-events'>(
  'many changes come later than is allowed',
  'late',
  ({ ppm }) => ({ dirt: { latePpm: ppm } }),
);
