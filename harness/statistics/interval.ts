/**
 * Confidence intervals whose unit is the run.
 *
 * Requests of one run share queues, caches and compactions, so resampling them as if independent gives intervals that
 * hold the truth a fifth of the time (README.md has the table). Here a run is kept or left out whole:
 *
 * - below 10 runs, the delete-one-run jackknife with Student's t (Tukey 1958; Efron and Tibshirani 1993, chapter 11);
 * - from 10 runs, the studentised bootstrap, or bootstrap-t (Efron and Tibshirani 1993, section 12.5), with the
 *   jackknife's standard error in every resample; where it comes out more than twice as wide as the jackknife's
 *   interval it has broken down (a resample of nearly equal runs has no spread to divide by), and the latter is given.
 *
 * Positive figures are handled on the log scale: their errors are ratios, and no bound can be negative.
 */
import type { PooledFigure } from './pooled-figure.js';
import { estimateOf, figuresByRun } from './pooled-figure.js';
import type { Resamples } from './resamples.js';
import { studentCritical } from './student-t.js';

/** What values a figure can have: decides the scale on which its interval is made, and where it is cut off. */
export type Domain = 'positive' | 'share' | 'real';

export interface Interval {
  readonly lowerBound: number;
  readonly upperBound: number;
}

export interface IntervalOverRuns {
  /** Null where none can be given; `method` says why. */
  readonly interval: Interval | null;
  /** It needs none: the figure is the same in every run. */
  readonly isSameInAll: boolean;
  /** To be printed beside the figure. */
  readonly method: string;
}

export interface IntervalOptions {
  readonly domain: Domain;
  readonly level: number;
  /** Resamples of as many runs as the figure has; used from 10 runs on. */
  readonly resamples: Resamples | null;
}

/** From this many runs on the bootstrap has something to resample. */
export const bootstrapFromRuns = 10;
const tooWide = 2;

export function intervalOverRuns(figure: PooledFigure, options: IntervalOptions): IntervalOverRuns {
  if (figure.runs < 2) return none('one run has no interval over runs');
  const estimate = estimateOf(figure);
  const left = deleteOneFigures(figure);
  if (Number.isNaN(estimate) || left.some(Number.isNaN)) return none('undefined without one of the runs');
  if (![estimate, ...left].every(Number.isFinite)) return none('right-censored, no upper bound');
  const scale = options.domain === 'positive' && [estimate, ...left].every((value) => value > 0) ? log : linear;
  const spread = jackknifeError(left.map(scale.to));
  if (spread === 0) {
    if (!isEqualInAll(figure, estimate)) return none('no run by itself moves it');
    return { ...none('the same in every run'), isSameInAll: true };
  }

  const around = (lower: number, upper: number) =>
    clip({ lowerBound: scale.from(lower), upperBound: scale.from(upper) }, options.domain);
  const centre = scale.to(estimate);
  const reach = studentCritical(options.level, figure.runs - 1) * spread;
  const jackknife = around(centre - reach, centre + reach);
  const { resamples } = options;
  if (figure.runs < bootstrapFromRuns || resamples === null) {
    return interval(jackknife, `jackknife-t over runs (${scale.name})`);
  }
  const [low, high] = studentisedQuantiles(figure, resamples, scale, centre, options.level);
  const bootstrap = around(centre - high * spread, centre - low * spread);
  if (!(width(bootstrap) <= tooWide * width(jackknife))) {
    return interval(jackknife, `jackknife-t over runs (${scale.name}; bootstrap-t over twice as wide)`);
  }
  return interval(bootstrap, `bootstrap-t over runs (${scale.name})`);
}

/** A quantile may stay where it is whichever run is left out, and yet be another in each: that is no certainty. */
function isEqualInAll(figure: PooledFigure, estimate: number): boolean {
  return figuresByRun(figure).every((value) => Math.abs(value - estimate) <= 1e-12 * Math.abs(estimate));
}

function interval(bounds: Interval, method: string): IntervalOverRuns {
  return { interval: bounds, isSameInAll: false, method };
}

function none(why: string): IntervalOverRuns {
  return { interval: null, isSameInAll: false, method: `none: ${why}` };
}

interface Scale {
  readonly name: string;
  readonly to: (value: number) => number;
  readonly from: (value: number) => number;
}
const log: Scale = { name: 'log', to: Math.log, from: Math.exp };
const linear: Scale = { name: 'linear', to: (value) => value, from: (value) => value };

/** The figure without each run in turn. */
export function deleteOneFigures(figure: PooledFigure): number[] {
  const weights = new Uint8Array(figure.runs).fill(1);
  return Array.from(weights, (_, k) => {
    weights[k] = 0;
    const without = figure.at(weights);
    weights[k] = 1;
    return without;
  });
}

/** Jackknife standard error from the K delete-one figures: sqrt((K - 1) / K x sum of squared deviations from their mean). */
export function jackknifeError(deleteOne: readonly number[]): number {
  const count = deleteOne.length;
  const mean = deleteOne.reduce((sum, value) => sum + value, 0) / count;
  const squares = deleteOne.reduce((sum, value) => sum + (value - mean) * (value - mean), 0);
  // Equal figures differ from their computed mean by rounding: that is no spread.
  const error = Math.sqrt(((count - 1) / count) * squares);
  return error <= 1e-12 * Math.abs(mean) ? 0 : error;
}

/** The (1 - level) / 2 and (1 + level) / 2 quantiles of (resampled - estimate) / its own jackknife error. */
function studentisedQuantiles(
  figure: PooledFigure,
  resamples: Resamples,
  scale: Scale,
  centre: number,
  level: number,
): [number, number] {
  if (resamples.runs !== figure.runs) {
    throw new RangeError(`bootstrap: resamples of ${resamples.runs} runs cannot weigh a figure of ${figure.runs}`);
  }
  const { runs, count } = resamples;
  const figures = evaluateAll(figure, resamples, scale);
  const studentised = new Float64Array(count);
  for (let b = 0; b < count; b++) {
    const whole = resamples.whole[b] as number;
    const deviation = (figures[whole] as number) - centre;
    // Around the estimate, so that one pass loses no digits that matter.
    let sum = 0;
    let squares = 0;
    for (let k = 0; k < runs; k++) {
      const times = resamples.weights[whole * runs + k] as number;
      if (times === 0) continue;
      const left = (figures[resamples.without[b * runs + k] as number] as number) - centre;
      sum += times * left;
      squares += times * left * left;
    }
    const error = Math.sqrt(Math.max(0, ((runs - 1) / runs) * (squares - (sum * sum) / runs)));
    // No spread to divide by: further out than any other on its side. Censored without one of its runs: above all.
    if (!Number.isFinite(error)) studentised[b] = Number.POSITIVE_INFINITY;
    else if (deviation === 0) studentised[b] = 0;
    else studentised[b] = deviation / error;
  }
  studentised.sort();
  const tail = (1 - level) / 2;
  const last = count - 1;
  return [studentised[Math.floor(tail * last)] as number, studentised[Math.ceil((1 - tail) * last)] as number];
}

/** The figure, on the scale, for every distinct weights of the resamples. */
function evaluateAll(figure: PooledFigure, { runs, weights }: Resamples, scale: Scale): Float64Array {
  const figures = new Float64Array(weights.length / runs);
  const one = new Uint8Array(runs);
  for (let v = 0; v < figures.length; v++) {
    for (let k = 0; k < runs; k++) one[k] = weights[v * runs + k] as number;
    figures[v] = scale.to(figure.at(one));
  }
  return figures;
}

function clip(interval: Interval, domain: Domain): Interval {
  const least = domain === 'real' ? Number.NEGATIVE_INFINITY : 0;
  const most = domain === 'share' ? 1 : Number.POSITIVE_INFINITY;
  return { lowerBound: Math.max(least, interval.lowerBound), upperBound: Math.min(most, interval.upperBound) };
}

function width(interval: Interval): number {
  return interval.upperBound - interval.lowerBound;
}
