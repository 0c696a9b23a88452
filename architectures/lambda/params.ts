/** What may be set of the Lambda plane, and why its defaults are fair: see README.md. */
import { z } from 'zod';
import { UsageError } from '../../harness/errors.js';
import type { Json } from '../../harness/json.js';

const interval = (milliseconds: number) =>
  z
    .int()
    .min(1_000)
    .max(3_600_000_000)
    .default(milliseconds * 1_000);

const schema = z.strictObject({
  /** From the start of one recomputation to the start of the next. 15 s: the paper's world would say 15 min. */
  batchIntervalUs: interval(15_000),
  /** How often the speed layer writes what has changed. */
  flushIntervalUs: interval(200),
  /** How often the speed layer stores its position. What came since is counted again after a crash. */
  commitIntervalUs: interval(1_000),
  /** How often raw changes are appended to the master data. */
  archiveIntervalUs: interval(1_000),
  /** Rows of the batch view that a serving process keeps; they never change within an epoch. */
  cachedRows: z.int().min(0).max(10_000_000).default(50_000),
});

export type LambdaParams = z.infer<typeof schema>;

export function resolveParams(params: Json | undefined): LambdaParams {
  const parsed = schema.safeParse(params ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${['lambda', ...path].join('.')}: ${message}`);
  throw new UsageError(
    `${problems.join('; ')}. Given: ${JSON.stringify(params)}. Parameters: ${Object.keys(schema.shape).join(', ')}`,
  );
}
