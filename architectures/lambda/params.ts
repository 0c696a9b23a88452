/** What may be set of the Lambda plane, and why its defaults are fair: see README.md. */
import { z } from 'zod';
import { failureFields, intervalUs } from '../../harness/params.js';

export const paramsSchema = z.strictObject({
  /** From the start of one recomputation to the start of the next. 15 s: the paper's world would say 15 min. */
  batchIntervalUs: intervalUs(15_000),
  /** How often the speed layer writes what has changed. */
  flushIntervalUs: intervalUs(200),
  /** How often the speed layer stores its position. What came since is counted again after a crash. */
  commitIntervalUs: intervalUs(1_000),
  /** How often raw changes are appended to the master data. */
  archiveIntervalUs: intervalUs(1_000),
  /** Rows of the batch view that a serving process keeps; they never change within an epoch. */
  cachedRows: z.int().min(0).max(10_000_000).default(50_000),
  /** For a read of the store by serving; a quarter of what a user waits. */
  storeTimeoutUs: intervalUs(500),
  /** By how much a clock may be ahead of the newest time that was seen of the source before it is not believed. */
  clockToleranceUs: intervalUs(5_000),
  ...failureFields,
});

export type LambdaParams = z.infer<typeof paramsSchema>;
