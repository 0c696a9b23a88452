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
  const wrong = new Set(parsed.error.issues.map(({ path }) => path[0]));
  const shown = JSON.stringify(wrong.has(undefined) ? given : only(given, wrong), withoutSecrets);
  throw new UsageError(`${problems.join('; ')}. Given: ${shown}. Parameters: ${Object.keys(schema.shape).join(', ')}`);
}

/** Nothing is told of those that are as they should be. */
function only(given: Json | undefined, names: ReadonlySet<PropertyKey | undefined>): Json {
  return Object.fromEntries(Object.entries(given as Record<string, Json>).filter(([name]) => names.has(name)));
}

/** An address that may not be printed is not. */
function withoutSecrets(_: string, value: unknown): unknown {
  return typeof value === 'string' && value.includes('//') && !isPlainAddress(value) ? '...//...' : value;
}
