import { dirtOf } from './disturbance.js';

export const lateEvents = dirtOf<'late-events'>('many changes come later than is allowed', 'late', ({ ppm }) => ({
  latePpm: ppm,
}));
