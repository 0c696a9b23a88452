import { disturbanceOf } from './disturbance.js';

export const loadBurst = disturbanceOf<'load-burst'>('many times as many changes come', 'all', ({ times }) => ({
  times,
}));
