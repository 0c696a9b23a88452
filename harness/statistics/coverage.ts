/**
 * Does a 95 % interval hold the truth 95 times in 100? A committed, runnable answer: `node dist/harness/statistics/coverage.js`.
 *
 * Each process below is run many times as a benchmark would be, in runs of 5,000 requests, and has a true quantile in
 * closed form. Counted is how often the printed interval holds it. And how often are two planes told apart that
 * do not differ? README.md keeps both tables.
 */
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { type Random, seededRandom } from '../random.js';
import { binomialCumulative } from './binomial.js';
import { comparePaired } from './comparison.js';
import { intervalOverRuns } from './interval.js';
import { estimateOf, pooledQuantile } from './pooled-figure.js';
import { drawResamples } from './resamples.js';
import { type Samples, sortSamples } from './samples.js';

export interface Process {
  readonly name: string;
  /** Fills `latencies` with what one run observes. */
  run(latencies: Float64Array, random: Random): void;
  /** The p-quantile over all runs that could have been. */
  trueQuantile(p: number): number;
}

export interface Coverage {
  readonly process: string;
  readonly runs: number;
  readonly p: number;
  readonly replicates: number;
  /** Replicates whose interval held the truth. */
  readonly held: number;
  /** Replicates for which no interval could be given; they hold nothing. */
  readonly withoutInterval: number;
  /** Mean width of the interval, relative to the truth. */
  readonly meanWidth: number;
  /** Mean of estimate / truth - 1. */
  readonly bias: number;
  /** Share of replicates in which the bootstrap gave way to the jackknife. */
  readonly fallback: number;
}

const exponential = (mean: number, random: Random) => -mean * Math.log(1 - random.unit());

/**
 * Sojourn times in an M/M/1 queue at utilisation 0.8, mean service time 1, begun in its stationary state: what open-loop
 * latency looks like when requests wait for one another. Stationary sojourn times are exponential with mean 1 / (1 - 0.8).
 */
export const queue: Process = {
  name: 'M/M/1 queue, utilisation 0.8',
  run(latencies, random) {
    const utilisation = 0.8;
    let sojourn = exponential(1 / (1 - utilisation), random);
    for (let i = 0; i < latencies.length; i++) {
      latencies[i] = sojourn;
      const waiting = Math.max(0, sojourn - exponential(1 / utilisation, random));
      sojourn = waiting + exponential(1, random);
    }
  },
  trueQuantile: (p) => -5 * Math.log(1 - p),
};

/**
 * A server that is away `share` of the time, in outages of exponential length (mean `outage`) that come every
 * outage / share on average, begun in its stationary state; requests arrive at rate 1 as a Poisson process, wait for the
 * end of the outage, and are then served in an exponential time of mean 1.
 * P(latency > x) = (1 - share) e^-x + share (outage e^(-x / outage) - e^-x) / (outage - 1).
 */
function outages(share: number, outage: number, name: string): Process {
  const away = (random: Random) => exponential(outage, random);
  const present = (random: Random) => exponential((outage * (1 - share)) / share, random);
  const beyond = (x: number) =>
    (1 - share) * Math.exp(-x) + (share * (outage * Math.exp(-x / outage) - Math.exp(-x))) / (outage - 1);
  return {
    name,
    run(latencies, random) {
      let up = random.unit() >= share;
      let changes = up ? present(random) : away(random);
      let now = 0;
      for (let i = 0; i < latencies.length; i++) {
        now += exponential(1, random);
        while (changes <= now) {
          up = !up;
          changes += up ? present(random) : away(random);
        }
        latencies[i] = (up ? 0 : changes - now) + exponential(1, random);
      }
    },
    trueQuantile: (p) => bisect((x) => beyond(x) <= 1 - p),
  };
}

/** Independent latencies with an infinite variance: Pareto, exponent 1.5, least value 1. */
const heavyTail: Process = {
  name: 'heavy tail (Pareto 1.5)',
  run(latencies, random) {
    for (let i = 0; i < latencies.length; i++) latencies[i] = Math.exp(exponential(1 / 1.5, random));
  },
  trueQuantile: (p) => Math.exp(-Math.log(1 - p) / 1.5),
};

/** Lognormal latencies (deviation 1) in runs whose medians differ by a lognormal factor (deviation 0.2): days differ. */
const differingRuns: Process = {
  name: 'lognormal, runs differ by 20 %',
  run(latencies, random) {
    const level = 0.2 * normal(random);
    for (let i = 0; i < latencies.length; i++) latencies[i] = Math.exp(level + normal(random));
  },
  trueQuantile: (p) => Math.exp(Math.sqrt(1.04) * normalQuantile(p)),
};

export const processes: readonly Process[] = [
  queue,
  outages(0.04, 10, 'outages, 4 % of the time, about 20 a run'),
  heavyTail,
  differingRuns,
];

/** Known to be too hard, and printed so that nobody is misled: one outage a run leaves five runs with about five outages. */
const hardProcess = outages(0.04, 200, 'outages, 4 % of the time, about 1 a run (hard)');

export interface CoverageOptions {
  readonly runs: number;
  readonly replicates: number;
  readonly requests: number;
  readonly resamples: number;
  readonly seed: number;
}

export const studied = [0.5, 0.95, 0.99] as const;

export function studyCoverage(process: Process, options: CoverageOptions): Coverage[] {
  const random = seededRandom(options.seed).fork(process.name).fork(`${options.runs} runs`);
  const resamples =
    options.runs >= 10 ? drawResamples(options.runs, options.resamples, random.fork('resamples')) : null;
  const latencies = new Float64Array(options.requests);
  const tallies = studied.map((p) => ({ p, held: 0, without: 0, width: 0, error: 0, fallback: 0 }));
  for (let replicate = 0; replicate < options.replicates; replicate++) {
    const runs: Samples[] = [];
    for (let k = 0; k < options.runs; k++) {
      process.run(latencies, random);
      runs.push(sortSamples(latencies));
    }
    for (const tally of tallies) {
      const truth = process.trueQuantile(tally.p);
      const figure = pooledQuantile(runs, tally.p);
      const { interval, method } = intervalOverRuns(figure, { domain: 'positive', level: 0.95, resamples });
      tally.error += estimateOf(figure) / truth - 1;
      if (interval === null) tally.without++;
      else {
        if (interval.lowerBound <= truth && truth <= interval.upperBound) tally.held++;
        tally.width += (interval.upperBound - interval.lowerBound) / truth;
      }
      if (method.includes('twice as wide')) tally.fallback++;
    }
  }
  return tallies.map((tally) => ({
    process: process.name,
    runs: options.runs,
    p: tally.p,
    replicates: options.replicates,
    held: tally.held,
    withoutInterval: tally.without,
    meanWidth: tally.width / (options.replicates - tally.without),
    bias: tally.error / options.replicates,
    fallback: tally.fallback / options.replicates,
  }));
}

/**
 * Is `held` of `replicates` compatible with a true coverage in [least, most]? One-sided at 1 in 1,000 each way: a study
 * with few replicates may fall short by chance, one whose method is wrong may not pass.
 */
export function coverageIsWithin(coverage: Coverage, least: number, most: number): boolean {
  const { held, replicates } = coverage;
  return (
    binomialCumulative(held, replicates, least) >= 0.001 && 1 - binomialCumulative(held - 1, replicates, most) >= 0.001
  );
}

export interface FalseAlarms {
  readonly process: string;
  readonly pairs: number;
  readonly p: number;
  readonly replicates: number;
  /** Replicates whose interval excluded equality. */
  readonly byInterval: number;
  /** Replicates whose test gave p <= 0.05. */
  readonly byTest: number;
  /** Replicates in which both did: a difference would have been declared. */
  readonly declared: number;
}

/** A against A: how often two planes that do not differ are told apart at the 5 % level, one comparison at a time. */
export function studyFalseAlarms(process: Process, options: Omit<CoverageOptions, 'resamples'>): FalseAlarms[] {
  const random = seededRandom(options.seed).fork(process.name).fork(`${options.runs} pairs`);
  const latencies = new Float64Array(options.requests);
  const tallies = studied.map((p) => ({ p, byInterval: 0, byTest: 0, declared: 0 }));
  const runPlane = () =>
    Array.from({ length: options.runs }, () => {
      process.run(latencies, random);
      return sortSamples(latencies);
    });
  for (let replicate = 0; replicate < options.replicates; replicate++) {
    const [one, other] = [runPlane(), runPlane()];
    for (const tally of tallies) {
      const { interval, pValue } = comparePaired(pooledQuantile(one, tally.p), pooledQuantile(other, tally.p), {
        effect: 'ratio',
        level: 0.95,
        random,
      });
      const excludes = interval !== null && (interval.lowerBound > 1 || interval.upperBound < 1);
      const rejects = pValue !== null && pValue <= 0.05;
      if (excludes) tally.byInterval++;
      if (rejects) tally.byTest++;
      if (excludes && rejects) tally.declared++;
    }
  }
  return tallies.map((tally) => ({
    ...tally,
    process: process.name,
    pairs: options.runs,
    replicates: options.replicates,
  }));
}

function bisect(reached: (x: number) => boolean): number {
  let low = 0;
  let high = 1;
  while (!reached(high)) high *= 2;
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (reached(middle)) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}

/** Standard normal by Box and Muller's transform. */
function normal(random: Random): number {
  return Math.sqrt(exponential(2, random)) * Math.cos(2 * Math.PI * random.unit());
}

/** Standard normal quantiles of the three studied probabilities, from the tables; simple-statistics' probit has 4 digits. */
function normalQuantile(p: number): number {
  const table = new Map([
    [0.5, 0],
    [0.95, 1.6448536269514722],
    [0.99, 2.3263478740408408],
  ]);
  const z = table.get(p);
  if (z === undefined) throw new RangeError(`coverage study: no normal quantile tabled for ${p}`);
  return z;
}

const printed = { requests: 5_000, seed: 20_251_120 };
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function printCoverage(replicates: number): void {
  console.log(`${replicates} replicates, 5,000 requests a run, nominal 95 %\n`);
  console.log('| process | runs | quantile | coverage | mean width | bias | bootstrap gave way |');
  console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const process of [...processes, hardProcess]) {
    for (const runs of [5, 10]) {
      for (const row of studyCoverage(process, { ...printed, runs, replicates, resamples: 10_000 })) {
        console.log(
          `| ${row.process} | ${row.runs} | p${100 * row.p} | ${percent(row.held / row.replicates)} | ` +
            `${row.meanWidth.toFixed(3)} | ${percent(row.bias)} | ${row.runs < 10 ? '-' : percent(row.fallback)} |`,
        );
      }
    }
  }
}

function printFalseAlarms(replicates: number): void {
  console.log(`\n${replicates} replicates of A against A, 10 pairs, level 5 %\n`);
  console.log('| process | quantile | interval excludes 1 | sign-flip p <= 0.05 | both: declared |');
  console.log('| --- | ---: | ---: | ---: | ---: |');
  for (const process of [...processes, hardProcess]) {
    for (const row of studyFalseAlarms(process, { ...printed, runs: 10, replicates })) {
      console.log(
        `| ${row.process} | p${100 * row.p} | ${percent(row.byInterval / row.replicates)} | ` +
          `${percent(row.byTest / row.replicates)} | ${percent(row.declared / row.replicates)} |`,
      );
    }
  }
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const replicates = Number(argv[2] ?? 1000);
  printCoverage(replicates);
  printFalseAlarms(replicates);
}
