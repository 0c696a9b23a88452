/** What may be set of the warehouse plane, and why its defaults are fair: see README.md. */
import { z } from 'zod';
import { failureFields, intervalUs } from '../../harness/params.js';

export const paramsSchema = z.strictObject({
  /** From the start of one merge and refresh to the start of the next, while the warehouse keeps up. 2 s: SLO / 2.5. */
  mergeIntervalUs: intervalUs(2_000, 10_000),
  /** How often what the change log has is staged. */
  stageIntervalUs: intervalUs(100, 10_000),
  /** Changes that one batch stages, and what was read with the last of them; more when catching up are more batches. */
  stageRows: z.int().min(1).max(100_000).default(20_000),
  /** For a read of the warehouse by serving; as long as a user waits, as reads queue behind a merge. */
  readTimeoutUs: intervalUs(2_000),
  /** By how much a clock may be ahead of the newest time that was seen of the source before it is not believed. */
  clockToleranceUs: intervalUs(5_000),
  ...failureFields,
});

export type WarehouseParams = z.infer<typeof paramsSchema>;
