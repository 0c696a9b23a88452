/**
 * Figures as people read them. The rules, all of them:
 *
 * - Three significant digits, and no digit before the point is dropped: 41.2, 9.80, 58.0, 1,234.
 * - Counts that are whole are printed as they are: 5, 12,400,000.
 * - Time steps from us to ms at 1 ms, to s at 1 s, to min at 2 min, to h at 2 h; bytes in steps of 1000.
 * - Money steps from µUSD to mUSD at 0.001 USD and to USD at 1 USD: a measured window costs little.
 * - A step is taken by the number as printed: 999.6 us prints as 1.00 ms, never as 1,000 us.
 * - Shares are percentages with one decimal; only an exact 1 prints as 100 %, only an exact 0 as 0 %.
 * - What is not zero never prints as zero: below 0.001 of the unit it is "< 0.001".
 * - A setting, which is exact, is printed without trailing zeros: 5 s, 1.5 s.
 * - Figures side by side share a unit, that of the smallest, unless they span a factor of 1000 or more.
 */
import type { Unit } from './summary.js';

/** How values of a unit are printed: divided by `divisor`, followed by `suffix`. */
export interface Scale {
  readonly suffix: string;
  /** The suffix after exactly 1, where it differs. */
  readonly singular?: string;
  readonly divisor: number;
  readonly share?: true;
  /** Counts things, so that whole numbers are exact. */
  readonly count?: true;
}

export function formatValue(value: number, unit: Unit): string {
  const scale = scaleOf(value, unit);
  return withSuffix(formatNumber(value, scale), scale);
}

export function withSuffix(number: string, scale: Scale): string {
  const suffix = number === '1' ? (scale.singular ?? scale.suffix) : scale.suffix;
  return suffix === '' ? number : `${number} ${suffix}`;
}

/** The scale of each of several values that stand side by side. */
export function sharedScale(values: readonly number[], unit: Unit): (value: number) => Scale {
  const sizes = values.filter((value) => value !== 0 && Number.isFinite(value)).map(Math.abs);
  const smallest = Math.min(...sizes);
  if (sizes.length === 0 || Math.max(...sizes) >= 1000 * smallest) return (value) => scaleOf(value, unit);
  const scale = scaleOf(smallest, unit);
  return () => scale;
}

export function scaleOf(value: number, unit: Unit): Scale {
  const steps = scales[unit];
  let chosen = steps[0]!;
  for (const step of steps) if (Number(significant(Math.abs(value) / step.divisor)) >= step.from) chosen = step;
  return chosen;
}

export function formatNumber(value: number, scale: Scale): string {
  if (!Number.isFinite(value)) return 'no number';
  const scaled = value / scale.divisor;
  const size = Math.abs(scaled);
  const digits = scale.share
    ? percent(size)
    : scale.count && Number.isInteger(size)
      ? grouped(String(size))
      : separated(size);
  if (scaled >= 0 || size === 0) return digits;
  return digits.replace(/^[<>]/, (sign) => (sign === '<' ? '>' : '<')).replace(/\d/, '\u2212$&');
}

/** A quantity that was set, not measured. */
export function formatSetting(value: number, unit: Unit): string {
  const scale = scaleOf(value, unit);
  return withSuffix(
    formatNumber(value, scale)
      .replace(/(\.\d*?)0+$/, '$1')
      .replace(/\.$/, ''),
    scale,
  );
}

export function formatCount(value: number): string {
  return formatNumber(value, scaleOf(value, 'count'));
}

/** A ratio of two figures of one unit: "2.14". */
export function formatRatio(ratio: number): string {
  return formatNumber(ratio, { suffix: '', divisor: 1 });
}

/** By how much two figures differ; shares by points, as a percentage would be one of them: "−2.00 points". */
export function formatDifference(value: number, unit: Unit): string {
  return unit === 'share' ? `${formatNumber(value, { suffix: '', divisor: 0.01 })} points` : formatValue(value, unit);
}

interface Step extends Scale {
  /** The scaled value, rounded as printed, from which this step is taken. */
  readonly from: number;
}

const time: readonly Step[] = [
  { suffix: '\u00B5s', divisor: 1, from: 0 },
  { suffix: 'ms', divisor: 1e3, from: 1 },
  { suffix: 's', divisor: 1e6, from: 1 },
  { suffix: 'min', divisor: 60e6, from: 2 },
  { suffix: 'h', divisor: 3600e6, from: 2 },
];

const scales: Readonly<Record<Unit, readonly Step[]>> = {
  us: time,
  us_per_tb: time.map((step) => ({ ...step, suffix: `${step.suffix}/TB` })),
  per_s: [{ suffix: '/s', divisor: 1, from: 0 }],
  changes: [{ suffix: 'changes', singular: 'change', divisor: 1, from: 0, count: true }],
  changes_per_s: [{ suffix: 'changes/s', divisor: 1, from: 0 }],
  rows: [{ suffix: 'rows', singular: 'row', divisor: 1, from: 0, count: true }],
  share: [{ suffix: '%', divisor: 0.01, from: 0, share: true }],
  count: [{ suffix: '', divisor: 1, from: 0, count: true }],
  bytes: ['B', 'kB', 'MB', 'GB', 'TB', 'PB'].map((suffix, power) => ({
    suffix,
    divisor: Number(`1e${3 * power}`),
    from: power === 0 ? 0 : 1,
    ...(power === 0 && { count: true as const }),
  })),
  cores: [{ suffix: 'cores', singular: 'core', divisor: 1, from: 0 }],
  usd: [
    { suffix: '\u00B5USD', divisor: 1e-6, from: 0 },
    { suffix: 'mUSD', divisor: 1e-3, from: 1 },
    { suffix: 'USD', divisor: 1, from: 1 },
  ],
  times: [{ suffix: '\u00D7', divisor: 1, from: 0 }],
  files_per_million_rows: [{ suffix: 'files/1M rows', divisor: 1, from: 0 }],
};

function separated(size: number): string {
  if (size === 0) return '0';
  if (size < 0.001) return '< 0.001';
  return grouped(significant(size));
}

/** Three significant digits, whole numbers in full, without an exponent. */
function significant(size: number): string {
  if (size >= 100) return String(Math.round(size));
  return size < 0.001 ? size.toFixed(6) : size.toPrecision(3);
}

function percent(size: number): string {
  if (size === 0 || size === 100) return String(size);
  for (const decimals of [1, 2, 3]) {
    const text = size.toFixed(decimals);
    if (Number(text) !== 0 && Number(text) !== 100) return grouped(text);
  }
  return size < 1 ? '< 0.001' : size < 100 ? '> 99.999' : '> 100';
}

function grouped(digits: string): string {
  const [whole, fraction] = digits.split('.');
  const separatedWhole = whole!.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? separatedWhole : `${separatedWhole}.${fraction}`;
}
