/** Axis ends and ticks at 1, 2 and 5 times powers of ten, chosen here so that charts side by side share them. */
export interface Ticks {
  readonly min: number;
  readonly max: number;
  readonly ticks: readonly number[];
}

/** For a logarithmic axis; it ends above the highest value, so that a line at the top is seen. Decades alone are labelled from two decades on. Null where nothing is above zero. */
export function logTicks(values: Iterable<number>): Ticks | null {
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  for (const value of values) {
    if (value > 0 && value < low) low = value;
    if (value > high && Number.isFinite(value)) high = value;
  }
  if (high === 0) return null;
  const min = ladder.findLast((step) => step <= low) ?? ladder[0]!;
  const max = ladder.find((step) => step > high) ?? ladder.at(-1)!;
  const within = ladder.filter((step) => step >= min && step <= max);
  const decades = within.filter((_, index) => ladder.indexOf(within[index]!) % 3 === 0);
  return { min, max, ticks: max / min >= 100 ? decades : within };
}

/** For a linear axis from zero; counts have no step below 1. */
export function linearTicks(values: Iterable<number>, leastStep = 0): Ticks {
  let high = 0;
  for (const value of values) if (value > high && Number.isFinite(value)) high = value;
  if (high === 0) return { min: 0, max: 1, ticks: [0, 1] };
  const step = ladder.find((candidate) => candidate >= leastStep && high / candidate <= 4) ?? ladder.at(-1)!;
  const count = Math.max(1, Math.ceil(high / step));
  return { min: 0, max: count * step, ticks: Array.from({ length: count + 1 }, (_, index) => index * step) };
}

/** 1e-6, 2e-6, 5e-6, ... 5e18, parsed from text so that each is the nearest number. */
const ladder: readonly number[] = Array.from({ length: 25 }, (_, decade) =>
  [1, 2, 5].map((digit) => Number(`${digit}e${decade - 6}`)),
).flat();
