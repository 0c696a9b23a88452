/** Parameters of a plane: resolved, or refused in words that say where, what was given and what is allowed. */
import { z } from 'zod';
import { UsageError } from './errors.js';
import type { Json } from './json.js';

/** An interval in microseconds, up to an hour; its default is given in milliseconds, as people think of it. */
export function intervalUs(defaultMilliseconds: number, fewestUs = 1_000) {
  return z
    .int()
    .min(fewestUs)
    .max(3_600_000_000)
    .default(defaultMilliseconds * 1_000);
}

/** How a plane goes on when a server does not answer: all planes have these, with the same defaults. */
export const failureFields = {
  /** Bound of the pause, drawn at random, between a call that failed and the next attempt; doubled by each failure in a row. */
  retryPauseUs: intervalUs(10),
  /** Up to this. */
  longestRetryPauseUs: intervalUs(500),
  /** Reads of a store in a row that fail until serving asks it no more, but once a pause. */
  failuresUntilOpen: z.int().min(1).max(1_000).default(3),
};

export function pausesOf(params: { readonly retryPauseUs: number; readonly longestRetryPauseUs: number }) {
  return { firstUs: params.retryPauseUs, longestUs: params.longestRetryPauseUs };
}

/** Whether an address may be printed and kept, as all that stands in it is. */
export function isPlainAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && [username, password, search, hash].every((part) => part === '');
}

export const addressForm = 'an address with http:// or https://, without user, password, query and fragment';

export function resolveParams<S extends z.ZodObject>(plane: string, schema: S, given: Json | undefined): z.output<S> {
  const parsed = schema.safeParse(given ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${[plane, ...path].join('.')}: ${message}`);
  // Of an address without what may be a password.
  const shown = JSON.stringify(given)?.replace(/\/\/[^/"]*@/g, '//...@');
  throw new UsageError(`${problems.join('; ')}. Given: ${shown}. Parameters: ${Object.keys(schema.shape).join(', ')}`);
}
