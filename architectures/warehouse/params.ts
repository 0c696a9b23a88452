/** What may be set of the warehouse plane, and why its defaults are fair: see README.md. */
import { z } from 'zod';
import { UsageError } from '../../harness/errors.js';
import type { Json } from '../../harness/json.js';

const intervalUs = (milliseconds: number) =>
  z
    .int()
    .min(10_000)
    .max(3_600_000_000)
    .default(milliseconds * 1_000);

const schema = z.strictObject({
  /** From the start of one merge and refresh to the start of the next, while the warehouse keeps up. 2 s: SLO / 2.5. */
  mergeIntervalUs: intervalUs(2_000),
  /** How often what the change log has is staged. */
  stageIntervalUs: intervalUs(100),
  /** Changes that one batch stages, and what was read with the last of them; more when catching up are more batches. */
  stageRows: z.int().min(1).max(100_000).default(20_000),
});

export type WarehouseParams = z.infer<typeof schema>;

export function resolveParams(params: Json | undefined): WarehouseParams {
  const parsed = schema.safeParse(params ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${['warehouse', ...path].join('.')}: ${message}`);
  throw new UsageError(
    `${problems.join('; ')}. Given: ${JSON.stringify(params)}. Parameters: ${Object.keys(schema.shape).join(', ')}`,
  );
}
