import { dirtOf } from './disturbance.js';

export const poisonRecords = dirtOf<'poison-records'>('many changes cannot be read', 'undecodable', ({ ppm }) => ({
  poisonPpm: ppm,
}));
