/**
 * Student's t distribution for whole degrees of freedom, which simple-statistics does not have.
 * Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4 (finite sums, hence exact).
 */

/** P(|T| <= t) for T with `degrees` degrees of freedom. */
export function studentCentralProbability(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees));
  const sine = Math.sin(angle);
  const cosine = Math.cos(angle);
  const odd = degrees % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = degrees === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k <= degrees - 2; k += 2) {
    term *= ((k - 1) / k) * cosine * cosine;
    sum += term;
  }
  return odd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
}

/** The t that |T| exceeds with probability 1 - `level`: 2.776 for 0.95 and 4 degrees of freedom. */
export function studentCritical(level: number, degrees: number): number {
  if (!Number.isInteger(degrees) || degrees < 1 || !(level > 0 && level < 1)) {
    throw new RangeError(
      `student t: expected whole degrees of freedom >= 1 and 0 < level < 1, got ${degrees}, ${level}`,
    );
  }
  let high = 1;
  while (studentCentralProbability(high, degrees) < level) high *= 2;
  let low = 0;
  for (let i = 0; i < 200 && high - low > 1e-13 * high; i++) {
    const middle = (low + high) / 2;
    if (studentCentralProbability(middle, degrees) < level) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
