/** Parameters of the plane behind HTTP. */
import { z } from 'zod';
import type { Json } from '../../harness/json.js';
import { addressForm, intervalUs, isPlainAddress, resolveParams } from '../../harness/params.js';

const schema = z.strictObject({
  /** Where the system answers its operations. */
  url: z
    .string({ error: 'expected the address of the system, e.g. "http://127.0.0.1:8080"' })
    .refine(isPlainAddress, `expected ${addressForm}`),
  /** Where the change feed is served on loopback; 0: anywhere. The system is told. */
  feedPort: z.int().min(0).max(65_535).default(0),
  /** The system's own program, as a list of words, no shell: started with the adapter, and killed with it. */
  command: z.array(z.string().min(1)).min(1).nullable().default(null),
  /** How long an answer to `lookup` or `predict` may take. */
  readTimeoutUs: intervalUs(20_000),
});

export type HttpParams = z.output<typeof schema>;

export function resolveHttpParams(given: Json | undefined): HttpParams {
  const params = resolveParams('http', schema, given);
  return { ...params, url: params.url.replace(/\/+$/, '') };
}
