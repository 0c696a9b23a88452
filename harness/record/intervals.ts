/**
 * Latencies as one histogram an interval of a second and kind of operation: small, and exact to merge into any longer
 * span. Saved beside the raw operations as `intervals.parquet`, whose `histogram` column is HdrHistogram's compressed
 * V2 encoding in base64, the one that its Java, Rust, Go and Python versions read.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import hdr, { type Histogram } from 'hdr-histogram-js';
import { secondUs } from '../../workloads/durations.js';
import { HarnessError } from '../errors.js';
import type { Schema } from '../ports/columns.js';
import { appendColumns, createTableSql } from '../ports/duckdb-columns.js';
import { copyTo } from './column-files.js';
import { type OperationColumns, operationKinds, outcomes, type RunFacts } from './facts.js';

export interface Interval {
  readonly kind: (typeof operationKinds)[number];
  /** Operations whose intended start lies in [startUs, startUs + 1 s). */
  readonly startUs: number;
  readonly ok: number;
  readonly errors: number;
  readonly timeouts: number;
  /** Done - intended start; what failed counts at least the time-out. */
  readonly latenciesUs: readonly number[];
}

const trackedUs = 2 * secondUs;

/** Intervals in order of kind and time; an interval in which nothing was to start is absent, not empty. */
export function buildIntervals(operations: OperationColumns, originUs: number, timeoutUs: number): Interval[] {
  const byKind = operationKinds.map(() => new Map<number, GrowingInterval>());
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
      interval = { kind, startUs, ok: 0, errors: 0, timeouts: 0, latenciesUs: [] };
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
    interval.latenciesUs.push(Math.round(outcome === okCode ? latencyUs : Math.max(latencyUs, timeoutUs)));
  }
  return byKind.flatMap((intervals) => [...intervals.values()].sort((a, b) => a.startUs - b.startUs));
}

type GrowingInterval = Omit<{ -readonly [K in keyof Interval]: Interval[K] }, 'latenciesUs'> & {
  readonly latenciesUs: number[];
};

interface EncodedInterval {
  /** p50, p95, p99. */
  readonly quantiles: readonly number[];
  readonly maxUs: number;
  readonly encoded: string;
}

/** So few operations an interval may be those of another one again. */
const fewOperations = 8;
const mostKnown = 10_000;
const shared = emptyHistogram();
const known = new Map<string, EncodedInterval>();

/**
 * To encode a histogram takes longer than to fill it. In virtual time, where most intervals hold one to three operations and
 * each kind of answer takes what it always takes, nine of ten hold what another one held, of this run or of one before.
 */
function encode(interval: Interval): EncodedInterval {
  const { latenciesUs } = interval;
  const key = latenciesUs.length <= fewOperations ? latenciesUs.join() : null;
  const same = key === null ? undefined : known.get(key);
  if (same) return same;
  const histogram = histogramOf(interval, shared);
  const encoded = {
    quantiles: [50, 95, 99].map((at) => histogram.getValueAtPercentile(at)),
    maxUs: histogram.maxValue,
    encoded: hdr.encodeIntoCompressedBase64(histogram),
  };
  if (key !== null && known.size < mostKnown) known.set(key, encoded);
  return encoded;
}

/** `shared` is filled anew where it can be: a histogram takes 50 KB, and most intervals hold a handful of operations. */
export function histogramOf({ latenciesUs }: Interval, shared: Histogram): Histogram {
  // One that had to grow would stay large, and be saved so.
  const histogram = latenciesUs.every((latencyUs) => latencyUs <= trackedUs) ? shared : emptyHistogram();
  histogram.reset();
  for (const latencyUs of latenciesUs) histogram.recordValue(latencyUs);
  return histogram;
}

/** Three significant digits. */
export function emptyHistogram(): Histogram {
  return hdr.build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: trackedUs,
    numberOfSignificantValueDigits: 3,
  });
}

const savedSchema = [
  { name: 'kind', type: 'text', nullable: false },
  { name: 'start_us', type: 'int', nullable: false },
  { name: 'count', type: 'int', nullable: false },
  { name: 'errors', type: 'int', nullable: false },
  { name: 'timeouts', type: 'int', nullable: false },
  { name: 'p50_us', type: 'int', nullable: false },
  { name: 'p95_us', type: 'int', nullable: false },
  { name: 'p99_us', type: 'int', nullable: false },
  { name: 'max_us', type: 'int', nullable: false },
  { name: 'histogram', type: 'text', nullable: false },
] as const satisfies Schema;

export async function saveIntervals(connection: DuckDBConnection, path: string, facts: RunFacts): Promise<void> {
  const intervals = buildIntervals(
    facts.operations,
    facts.timeline.loadStartUs,
    facts.plan.scenario.workload.reads.timeoutUs,
  );
  const rows = intervals.map(encode);
  const quantile = (at: number) => rows.map(({ quantiles }) => quantiles[at] as number);
  await connection.run(createTableSql('intervals', savedSchema));
  await appendColumns(connection, 'intervals', savedSchema, {
    rows: intervals.length,
    columns: {
      kind: intervals.map(({ kind }) => kind),
      start_us: intervals.map(({ startUs }) => startUs),
      count: intervals.map(({ ok, errors, timeouts }) => ok + errors + timeouts),
      errors: intervals.map(({ errors }) => errors),
      timeouts: intervals.map(({ timeouts }) => timeouts),
      p50_us: quantile(0),
      p95_us: quantile(1),
      p99_us: quantile(2),
      max_us: rows.map(({ maxUs }) => maxUs),
      histogram: rows.map(({ encoded }) => encoded),
    },
  });
  await copyTo(connection, 'intervals', path);
}
