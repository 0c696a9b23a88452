/** How fast the intervals of a suite are made. Run by the project's benchmark command, never by a test. */
import { monotonicUs } from '../clock.js';
import { seededRandom } from '../random.js';
import { intervalOverRuns } from './interval.js';
import { pooledQuantile, pooledRatio } from './pooled-figure.js';
import { drawResamples } from './resamples.js';
import { sortSamples } from './samples.js';

/** Three planes, ten runs each, 15 quantiles and 20 ratios a plane, 5,000 observations a run: a suite's measures. */
const planes = 3;
const runs = 10;
const observations = 5_000;
const sampledMeasures = 5;
const ratios = 20;

export async function statisticsBenchmarks(): Promise<{ name: string; perSecond: number; unit: string }[]> {
  const random = seededRandom(1);
  const measures = Array.from({ length: planes * sampledMeasures }, () =>
    Array.from({ length: runs }, () => {
      const level = 1000 * (1 + random.unit());
      return sortSamples(
        Float64Array.from({ length: observations }, () => Math.round(-level * Math.log(1 - random.unit()))),
      );
    }),
  );
  const shares = Array.from({ length: planes * ratios }, () =>
    Array.from({ length: runs }, () => ({ numerator: random.below(1000) + 1, denominator: 1000 })),
  );

  const startedUs = monotonicUs();
  const resamples = drawResamples(runs, 10_000, random);
  const options = { domain: 'positive', level: 0.95, resamples } as const;
  for (const measure of measures) {
    for (const p of [0.5, 0.95, 0.99]) intervalOverRuns(pooledQuantile(measure, p), options);
  }
  for (const share of shares) intervalOverRuns(pooledRatio(share), options);
  const seconds = (monotonicUs() - startedUs) / 1e6;
  const figures = measures.length * 3 + shares.length;
  return [
    { name: 'bootstrap-t intervals, 10 runs, 10,000 resamples', perSecond: figures / seconds, unit: 'figures' },
    { name: 'all measures of a suite of 3 planes x 10 runs', perSecond: 1 / seconds, unit: 'suites' },
  ];
}
