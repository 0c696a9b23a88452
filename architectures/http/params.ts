/** Parameters of the plane behind HTTP. */
import { z } from 'zod';
import type { Json } from '../../harness/json.js';
import { intervalUs, resolveParams } from '../../harness/params.js';

const schema = z.strictObject({
  /** Where the system answers its operations. */
  url: z
    .string({ error: 'expected the address of the system, e.g. "http://127.0.0.1:8080"' })
    .refine(isHttpUrl, 'expected an address that begins with http:// or https://, without user and password'),
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

function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}
