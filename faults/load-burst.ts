import { disturbanceOf } from './disturbance.js';

export const loadBurst = disturbanceOf<'load-burst'>({
  about: 'many times as many changes come',
  disturbance: ({ times }) => ({ times }),
  amount: ({ changes }, { atUs, untilUs }) => (changes * 1_000_000) / (untilUs - atUs),
  asked: ({ times }, usualPerSecond) => times * usualPerSecond,
  tell: ({ changes, firstUs }, timesUsual) => ({
    atUs: firstUs,
    saw: `${changes} changes were acknowledged, ${timesUsual.toFixed(1)} times as many as usual`,
  }),
});
