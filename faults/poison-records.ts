import { disturbanceOf } from './disturbance.js';

export const poisonRecords = disturbanceOf<'poison-records'>(
  'many changes cannot be read',
  'undecodable',
  ({ ppm }) => ({ dirt: { poisonPpm: ppm } }),
);
