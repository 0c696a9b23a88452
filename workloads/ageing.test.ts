import { expect, it } from 'vitest';
import { createAgeing } from './ageing.js';
import { minuteUs } from './durations.js';
import { customerActivity } from './feature-view.js';

const age = createAgeing(customerActivity);
const asOfUs = 1_768_478_400_000_000 + 5;
const isAge = customerActivity.features.map(({ kind }) => kind === 'age');

it('until the minute is over only ages change, by as much as the time', () => {
  const features = customerActivity.features.map((_, i) => i);
  for (const byUs of [0, 1, minuteUs - 6])
    expect(age({ asOfUs, features }, asOfUs + byUs)).toEqual(features.map((value, i) => value + (isAge[i] ? byUs : 0)));
  expect(features).toEqual(customerActivity.features.map((_, i) => i));
  for (const byUs of [-6, minuteUs - 5, 60 * minuteUs]) expect(age({ asOfUs, features }, asOfUs + byUs)).toBeNull();
});

it('what is null stays null', () => {
  const features = customerActivity.features.map(() => null);
  expect(age({ asOfUs, features }, asOfUs + 1)).toEqual(features);
});
