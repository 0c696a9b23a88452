/**
 * Latencies as one histogram an interval of a second and kind of operation: small, and exact to merge into any longer
 * span. Saved beside the raw operations as `intervals.parquet`, whose `histogram` column is HdrHistogram's compressed
 * V2 encoding in base64, the one that its Java, Rust, Go and Python versions read.
 */
import { BIGINT, type DuckDBConnection, DuckDBDataChunk, type DuckDBValue, VARCHAR } from '@duckdb/node-api';
import hdr, { type Histogram } from 'hdr-histogram-js';
import { secondUs } from '../../workloads/durations.js';
import { HarnessError } from '../errors.js';
import { copyTo } from './column-files.js';
import { type OperationColumns, operationKinds, outcomes, type RunFacts } from './facts.js';

export interface Interval {
  readonly kind: (typeof operationKinds)[number];
  /** Operations whose intended start lies in [startUs, startUs + 1 s). */
  readonly startUs: number;
  readonly ok: number;
  readonly errors: number;
  readonly timeouts: number;
  /** Latencies in microseconds, three significant digits: done - intended start; what failed counts at least the time-out. */
  readonly histogram: Histogram;
}

/** Intervals in order of kind and time; an interval in which nothing was to start is absent, not empty. */
export function buildIntervals(operations: OperationColumns, originUs: number, timeoutUs: number): Interval[] {
  const byKind = operationKinds.map(() => new Map<number, { -readonly [K in keyof Interval]: Interval[K] }>());
  const okCode = outcomes.indexOf('ok');
  const timeoutCode = outcomes.indexOf('timeout');
  for (let row = 0; row < operations.rows; row++) {
    const intendedUs = operations.intendedUs[row]!;
    const startUs = originUs + Math.floor((intendedUs - originUs) / secondUs) * secondUs;
    const code = operations.kind[row]!;
    const kind = operationKinds[code];
    const intervals = byKind[code];
    if (!kind || !intervals)
      throw new HarnessError(`operation ${row} has kind ${code}, expected one of ${operationKinds}`);
    let interval = intervals.get(startUs);
    if (!interval) {
      interval = { kind, startUs, ok: 0, errors: 0, timeouts: 0, histogram: emptyHistogram() };
      intervals.set(startUs, interval);
    }
    const latencyUs = operations.doneUs[row]! - intendedUs;
    if (!(latencyUs >= 0))
      throw new HarnessError(
        `operation ${row} was done ${latencyUs} us after its intended start: an operation cannot end before it was to start`,
      );
    const outcome = operations.outcome[row];
    if (outcome === okCode) interval.ok++;
    else if (outcome === timeoutCode) interval.timeouts++;
    else interval.errors++;
    interval.histogram.recordValue(Math.round(outcome === okCode ? latencyUs : Math.max(latencyUs, timeoutUs)));
  }
  return byKind.flatMap((intervals) => [...intervals.values()].sort((a, b) => a.startUs - b.startUs));
}

/** One histogram of all the given intervals. */
export function mergeIntervals(intervals: Iterable<Interval>): Histogram {
  const merged = emptyHistogram();
  for (const interval of intervals) merged.add(interval.histogram);
  return merged;
}

export function emptyHistogram(): Histogram {
  return hdr.build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 2 * secondUs,
    numberOfSignificantValueDigits: 3,
  });
}

export async function saveIntervals(connection: DuckDBConnection, path: string, facts: RunFacts): Promise<void> {
  const intervals = buildIntervals(
    facts.operations,
    facts.timeline.loadStartUs,
    facts.plan.scenario.workload.reads.timeoutUs,
  );
  const whole = ['start_us', 'count', 'errors', 'timeouts', 'p50_us', 'p95_us', 'p99_us', 'max_us'];
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE intervals (kind VARCHAR, ${whole.map((name) => `${name} BIGINT`).join(', ')}, histogram VARCHAR)`,
  );
  const appender = await connection.createAppender('intervals');
  const types = [VARCHAR, ...whole.map(() => BIGINT), VARCHAR];
  const rows = intervals.map(rowOf);
  for (let from = 0; from < rows.length; from += 2048) {
    const chunk = DuckDBDataChunk.create(types);
    chunk.setRows(rows.slice(from, from + 2048));
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
  await copyTo(connection, 'intervals', path);
}

function rowOf({ kind, startUs, ok, errors, timeouts, histogram }: Interval): DuckDBValue[] {
  const quantiles = [50, 95, 99].map((percentile) => histogram.getValueAtPercentile(percentile));
  const whole = [startUs, ok + errors + timeouts, errors, timeouts, ...quantiles, histogram.maxValue];
  return [kind, ...whole.map(BigInt), hdr.encodeIntoCompressedBase64(histogram)];
}
