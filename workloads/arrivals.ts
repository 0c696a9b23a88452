/**
 * Open-loop arrivals: when the calls of a read stream are due, whether or not the earlier ones were answered. Offsets in
 * integer microseconds from the start, without end; the caller stops.
 */
import { UsageError } from '../harness/errors.js';
import type { Random } from '../harness/random.js';
import type { Arrivals } from './workload.js';

export function* arrivalOffsets(perSecond: number, arrivals: Arrivals, random: Random): Generator<number, never> {
  if (!(perSecond > 0)) throw new UsageError(`arrivals: ${perSecond} per second; expected a positive rate.`);
  const meanGapUs = 1_000_000 / perSecond;
  if (arrivals.kind === 'constant') for (let i = 0; ; i++) yield Math.floor(i * meanGapUs);
  const place = arrivals.kind === 'bursts' ? burstPlacement(arrivals) : (us: number) => us;
  for (let atUs = 0; ; ) {
    atUs += exponential(random) * meanGapUs;
    yield Math.floor(place(atUs));
  }
}

/**
 * Bends the time of a Poisson process of the mean rate so that it runs `times` as fast for `forUs` of every `everyUs`
 * and slower in between: the inverse of the cumulative rate, which makes it an inhomogeneous Poisson process.
 */
function burstPlacement({ everyUs, forUs, times }: Extract<Arrivals, { kind: 'bursts' }>): (us: number) => number {
  const inBurst = times * forUs;
  if (!(forUs > 0 && forUs < everyUs && times >= 1 && inBurst <= everyUs))
    throw new UsageError(
      `arrivals: ${times} times the rate for ${forUs} us of every ${everyUs} us exceeds the mean rate; keep times x forUs <= everyUs.`,
    );
  const between = (everyUs - inBurst) / (everyUs - forUs);
  return (us) => {
    const cycle = Math.floor(us / everyUs);
    const rest = us - cycle * everyUs;
    return cycle * everyUs + (rest < inBurst ? rest / times : forUs + (rest - inBurst) / between);
  };
}

/**
 * Exponential with mean 1 by comparisons alone (J. von Neumann, "Various techniques used in connection with random
 * digits", 1951): exact, and without a logarithm, whose last digit differs between machines.
 */
export function exponential(random: Random): number {
  for (let whole = 0; ; whole++) {
    const first = random.unit();
    let last = first;
    let runLength = 0;
    for (;;) {
      runLength++;
      const next = random.unit();
      if (next >= last) break;
      last = next;
    }
    if (runLength % 2 === 1) return whole + first;
  }
}
