/** What may be set of the lakehouse plane, and why its defaults are fair: see README.md. */
import { z } from 'zod';
import { failureFields, intervalUs } from '../../harness/params.js';
import { minuteUs } from '../../workloads/durations.js';

/** As long as a year. */
function tierUs(defaultMinutes: number) {
  return z
    .int()
    .min(1_000)
    .max(365 * 24 * 60 * minuteUs)
    .default(defaultMinutes * minuteUs);
}

export const paramsSchema = z.strictObject({
  /** From the start of one micro-batch to the start of the next, while the stream keeps up. */
  batchIntervalUs: intervalUs(200),
  /** Changes that a micro-batch takes at most (and what was read with the last of them): larger ones when catching up. */
  batchRows: z.int().min(1).max(500_000).default(40_000),
  /** Customer rows that the stream keeps in memory; others are read from the online store when they are needed. */
  cachedCustomers: z.int().min(1).max(50_000_000).default(500_000),
  /** Customers whose rows a snapshot derives at a time: its memory is theirs, and its files hold no more. */
  snapshotCustomers: z.int().min(1).max(50_000_000).default(262_144),
  /** How long serving may answer from its own copy of a row. 500 ms: 30 s at time scale 60. 0: never. */
  cacheTtlUs: z.int().min(0).max(3_600_000_000).default(500_000),
  /** Rows that serving keeps. */
  cachedRows: z.int().min(0).max(10_000_000).default(50_000),
  /** From the end of one round of table maintenance to the start of the next. 5 s: 5 min at time scale 60. */
  maintenanceIntervalUs: intervalUs(5_000),
  /** How long files that no current version needs are kept, for readers of older versions. 30 s: 30 min at time scale 60. */
  retainUs: intervalUs(30_000),
  /** Files of tables that nobody wrote or read for so long become warm. 24 min: a day at time scale 60. */
  warmAfterUs: tierUs(24),
  /** Warm files that nobody read for so long become cold. 168 min: a week at time scale 60. */
  coldAfterUs: tierUs(168),
  /** For a read of the store by serving; a quarter of what a user waits. */
  storeTimeoutUs: intervalUs(500),
  /** By how much a clock may be ahead of the newest time that was seen of the source before it is not believed. */
  clockToleranceUs: intervalUs(5_000),
  ...failureFields,
});

export type LakehouseParams = z.infer<typeof paramsSchema>;
