import { describe, expect, it } from 'vitest';
import { seededRandom } from '../random.js';
import { binomialCumulative } from './binomial.js';
import { coverageIsWithin, processes, queue, studyCoverage, studyFalseAlarms } from './coverage.js';
import { quantileOf, sortSamples } from './samples.js';

/** The full study is `node dist/harness/statistics/coverage.js`; this is the part of it that a test can afford. */
describe('a 95 % interval', () => {
  it.each([
    [5, 150],
    [10, 60],
  ])('holds the truth of a queue as often as promised, with %i runs', (runs, replicates) => {
    const [p50, p95, p99] = studyCoverage(queue, { runs, replicates, requests: 5_000, resamples: 1_000, seed: 42 });
    for (const coverage of [p50, p95]) expect(coverageIsWithin(coverage as never, 0.92, 0.98)).toBe(true);
    expect(coverageIsWithin(p99 as never, 0.88, 1)).toBe(true);
  });

  it('would be found out if it held the truth too seldom, or too often', () => {
    const [p50] = studyCoverage(queue, { runs: 5, replicates: 1, requests: 100, resamples: 1, seed: 1 });
    const study = (held: number) => ({ ...(p50 as NonNullable<typeof p50>), replicates: 150, held });
    expect(coverageIsWithin(study(120), 0.92, 0.98)).toBe(false);
    expect(coverageIsWithin(study(143), 0.92, 0.98)).toBe(true);
    expect(coverageIsWithin({ ...study(1500), replicates: 1500 }, 0.92, 0.98)).toBe(false);
  });

  it('tells two planes apart that do not differ in at most 5 of 100 comparisons of 10 pairs', () => {
    for (const alarms of studyFalseAlarms(queue, { runs: 10, replicates: 80, requests: 2_000, seed: 11 })) {
      // No more than a true rate of 5 % would give once in a thousand studies.
      expect(1 - binomialCumulative(alarms.declared - 1, alarms.replicates, 0.05)).toBeGreaterThan(0.001);
      expect(alarms.declared).toBeLessThanOrEqual(Math.min(alarms.byInterval, alarms.byTest));
    }
  });

  it('is studied on processes whose true quantiles are true', () => {
    for (const process of processes) {
      const random = seededRandom(9).fork(process.name);
      const latencies = new Float64Array(2_000);
      const all: number[] = [];
      for (let run = 0; run < 150; run++) {
        process.run(latencies, random);
        all.push(...latencies);
      }
      const samples = sortSamples(all);
      for (const p of [0.5, 0.95]) {
        expect(Math.abs(quantileOf(samples, p) / process.trueQuantile(p) - 1), process.name).toBeLessThan(0.08);
      }
    }
  });
});
