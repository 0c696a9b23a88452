/** How far the final rows have come: against what was acknowledged, what was shown before, and what the tables hold. */
import type { FeatureRow } from '../../workloads/feature-view.js';
import type { Examples } from './examples.js';
import type { Expectation } from './expectation.js';

/** By customer the seq of the final row; -1: it could not be read. */
export function finalSeqs(rows: readonly FeatureRow[], { numbers }: Expectation): Float64Array {
  const seqs = new Float64Array(numbers.customers).fill(-1);
  for (const { key, lastSeq } of rows) {
    const customer = Number(key);
    if (lastSeq > (seqs[customer] ?? Number.POSITIVE_INFINITY)) seqs[customer] = lastSeq;
  }
  return seqs;
}

/** Acknowledged changes, copies included, up to which the final rows have come. */
export function countVisible(seqs: Float64Array, { numbers, sound, refused }: Expectation): number {
  let visible = 0;
  seqs.forEach((lastSeq, customer) => {
    const shown = Math.min(lastSeq, numbers.highestSeq(customer));
    for (let seq = 1; seq <= shown; seq++) {
      const number = numbers.numberOf(customer, seq);
      if (number >= 0) visible += sound.certain[number]! + refused.certain[number]!;
    }
  });
  return visible;
}

export function countBehind(seqs: Float64Array, { certainSeq }: Expectation, examples: Examples): number {
  let behind = 0;
  certainSeq.forEach((certain, customer) => {
    const seq = seqs[customer]!;
    if (certain === 0 || seq >= certain) return;
    behind++;
    const state = seq < 0 ? 'could not be read' : `is at seq ${seq}`;
    examples.add(
      'behind',
      () => `the final row of customer ${customer} ${state}, acknowledged are all up to ${certain}`,
    );
  });
  return behind;
}

/** Customers of whom an older version took the place of a newer one for good: `shown` is the highest that was read. */
export function countReordered(seqs: Float64Array, shown: Float64Array, examples: Examples): number {
  let reordered = 0;
  seqs.forEach((seq, customer) => {
    const before = shown[customer]!;
    if (seq < 0 || seq >= before) return;
    reordered++;
    examples.add(
      'reordered',
      () => `the final row of customer ${customer} is at seq ${seq}, ${before} was shown before`,
    );
  });
  return reordered;
}

/**
 * Customers of whom rows and tables disagree for good: the tables hold every change up to a seq that the final row has
 * not come to, or the row has come to a change that the tables do not hold. `held`: by number of the change.
 */
export function countSkewed(
  seqs: Float64Array,
  held: Uint8Array,
  { numbers, sound, refused }: Expectation,
  examples: Examples,
): number {
  let skewed = 0;
  seqs.forEach((seq, customer) => {
    if (seq < 0) return;
    const isMissing = (at: number) => {
      const number = numbers.numberOf(customer, at);
      return number >= 0 && copiesOf(sound, number) > 0 && held[number] === 0;
    };
    const wasOffered = (at: number) => {
      const number = numbers.numberOf(customer, at);
      return number >= 0 && (copiesOf(sound, number) > 0 || copiesOf(refused, number) > 0);
    };
    const highest = numbers.highestSeq(customer);
    let whole = 0;
    while (whole < highest && wasOffered(whole + 1) && !isMissing(whole + 1)) whole++;
    // A refused change that only may be in the log is in no table: it proves nothing.
    while (whole > seq && !isHeld(whole)) whole--;
    const reach = Math.min(seq, highest);
    let missing = 1;
    while (missing <= reach && !isMissing(missing)) missing++;
    if (whole <= seq && missing > reach) return;
    skewed++;
    examples.add('skewed', () =>
      missing > reach
        ? `the final row of customer ${customer} is at seq ${seq}, the tables hold all changes up to ${whole}`
        : `the final row of customer ${customer} is at seq ${seq}, the tables do not hold change ${missing}`,
    );
    function isHeld(at: number): boolean {
      return held[numbers.numberOf(customer, at)] === 1;
    }
  });
  return skewed;
}

/** Those that are in the log, and those that may be. */
function copiesOf({ certain, possible }: Expectation['sound'], number: number): number {
  return certain[number]! + possible[number]!;
}
