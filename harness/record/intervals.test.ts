import fc from 'fast-check';
import hdr from 'hdr-histogram-js';
import { describe, expect, it } from 'vitest';
import { secondUs } from '../../workloads/durations.js';
import type { OperationColumns } from './facts.js';
import { buildIntervals, emptyHistogram, histogramOf } from './intervals.js';

const originUs = 1_700_000_000_000_000;
const timeoutUs = 250_000;

describe('intervals', () => {
  it('put an operation into the second in which it was to start, whenever it ended', () => {
    const intervals = buildIntervals(
      operationsOf([
        { kind: 0, afterUs: 999_999, latencyUs: 3 * secondUs, outcome: 0 },
        { kind: 0, afterUs: 1_000_000, latencyUs: 10, outcome: 0 },
        { kind: 1, afterUs: 0, latencyUs: 20, outcome: 0 },
      ]),
      originUs,
      timeoutUs,
    );
    expect(intervals.map(({ kind, startUs, ok }) => [kind, startUs - originUs, ok])).toEqual([
      ['predict', 0, 1],
      ['predict', secondUs, 1],
      ['lookup', 0, 1],
    ]);
  });

  it('count a failed call as at least the time-out, so that failing fast is never fast', () => {
    const [interval] = buildIntervals(
      operationsOf([
        { kind: 0, afterUs: 0, latencyUs: 5, outcome: 1 },
        { kind: 0, afterUs: 0, latencyUs: 400_000, outcome: 2 },
      ]),
      originUs,
      timeoutUs,
    );
    expect(interval).toMatchObject({ ok: 0, errors: 1, timeouts: 1 });
    const histogram = histogramOf(interval!, emptyHistogram());
    expect(histogram.getValueAtPercentile(0)).toBeGreaterThanOrEqual(249_000);
    expect(histogram.maxValue).toBeGreaterThanOrEqual(400_000);
  });

  it('merge into the histogram of all operations, also after a round trip through the saved form', () => {
    const latency = fc.integer({ min: 0, max: 20_000_000 });
    const operation = fc.record({
      kind: fc.constant(0),
      afterUs: fc.nat(5 * secondUs),
      latencyUs: latency,
      outcome: fc.constant(0),
    });
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 200 }), (operations) => {
        const whole = emptyHistogram();
        for (const { latencyUs } of operations) whole.recordValue(latencyUs);
        const intervals = buildIntervals(operationsOf(operations), originUs, timeoutUs);
        const [merged, restored, shared] = [emptyHistogram(), emptyHistogram(), emptyHistogram()];
        for (const interval of intervals) {
          const histogram = histogramOf(interval, shared);
          merged.add(histogram);
          restored.add(hdr.decodeFromCompressedBase64(hdr.encodeIntoCompressedBase64(histogram)));
        }
        for (const percentile of [0, 50, 95, 99, 100]) {
          expect(merged.getValueAtPercentile(percentile)).toBe(whole.getValueAtPercentile(percentile));
          expect(restored.getValueAtPercentile(percentile)).toBe(whole.getValueAtPercentile(percentile));
        }
        expect(merged.totalCount).toBe(operations.length);
      }),
      { numRuns: 50 },
    );
  });

  it('refuse an operation that ended before it was to start', () => {
    const operations = operationsOf([{ kind: 0, afterUs: 10, latencyUs: -1, outcome: 0 }]);
    expect(() => buildIntervals(operations, originUs, timeoutUs)).toThrow(/done -1 us after its intended start/);
  });
});

interface Operation {
  readonly kind: number;
  readonly afterUs: number;
  readonly latencyUs: number;
  readonly outcome: number;
}

function operationsOf(operations: readonly Operation[]): OperationColumns {
  const intendedUs = Float64Array.from(operations, ({ afterUs }) => originUs + afterUs);
  return {
    rows: operations.length,
    kind: Uint8Array.from(operations, ({ kind }) => kind),
    intendedUs,
    sentUs: intendedUs,
    doneUs: Float64Array.from(operations, ({ afterUs, latencyUs }) => originUs + afterUs + latencyUs),
    outcome: Uint8Array.from(operations, ({ outcome }) => outcome),
    keys: new Uint32Array(operations.length).fill(1),
  };
}
