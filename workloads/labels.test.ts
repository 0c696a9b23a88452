import { describe, expect, it } from 'vitest';
import { secondUs } from './durations.js';
import { smallWorkload } from './fixture-workload.js';
import { generateLabels } from './labels.js';

const startUs = 1_768_478_400 * secondUs;
const endUs = startUs + 20 * secondUs;
const options = {
  labels: { rows: 5_000, positivePpm: 120_000, latePpm: 100_000 },
  workload: smallWorkload({ customers: 200, lullUs: 0 }),
  seed: 7,
  startUs,
  endUs,
};
const { onTime, late } = generateLabels(options);
const all = (name: string) => [onTime, late].flatMap(({ columns }) => Array.from(columns[name] as number[]));

describe('labels', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(generateLabels(options)).toEqual({ onTime, late });
    expect(generateLabels({ ...options, seed: 8 })).not.toEqual({ onTime, late });
  });

  it('have ids of their own, lie within the load, and arrive after their moment', () => {
    expect(new Set(all('label_id')).size).toBe(5_000);
    expect(all('label_us').every((us) => us >= startUs && us < endUs)).toBe(true);
    const labelUs = all('label_us');
    expect(all('arrived_us').every((us, i) => us >= (labelUs[i] as number))).toBe(true);
    expect(all('customer').every((customer) => customer >= 0 && customer < 200)).toBe(true);
  });

  it('arrive before the end or, a tenth of them, after it', () => {
    expect((onTime.columns.arrived_us as number[]).every((us) => us < endUs)).toBe(true);
    expect((late.columns.arrived_us as number[]).every((us) => us >= endUs)).toBe(true);
    expect(late.rows / 5_000).toBeGreaterThan(0.08);
    expect(late.rows / 5_000).toBeLessThan(0.12);
  });

  it('are ones as rarely as was asked for', () => {
    const share = all('label').filter((label) => label === 1).length / 5_000;
    expect(share).toBeGreaterThan(0.1);
    expect(share).toBeLessThan(0.14);
  });
});
