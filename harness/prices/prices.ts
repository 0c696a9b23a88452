/** What use of a machine costs: the price book that comes with planebench, or one of yours. */
import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { priceBookSchema } from '../../reports/schema.js';
import type { PriceBook } from '../../reports/summary.js';
import { messageOf, UsageError } from '../errors.js';
import standard from './price-book.json' with { type: 'json' };

export const standardPrices: PriceBook = checkPrices(standard, 'harness/prices/price-book.json');

export async function readPrices(path: string): Promise<PriceBook> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new UsageError(`the price book ${path} cannot be read: ${messageOf(error)}`);
  });
  return checkPrices(parse(text, path), path);
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`the price book ${path} is no JSON: ${messageOf(error)}`);
  }
}

function checkPrices(value: unknown, path: string): PriceBook {
  const parsed = priceBookSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => describeProblem(issue, value));
  throw new UsageError(
    `the price book ${path} cannot be used: ${problems.join('; ')}. It must match reports/price-book.schema.json; harness/prices/price-book.json is one that does.`,
  );
}

/** "prices.cpu.unit: expected "usd_per_vcpu_second", found nothing". */
function describeProblem({ path, message }: z.core.$ZodIssue, value: unknown): string {
  const expected = message
    .replace(/^(Invalid input|Too small|Too big|Invalid string): /, '')
    .replace(/, received .*/s, '');
  const found = path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | null)?.[key], value);
  const given = found === undefined ? 'nothing' : JSON.stringify(found);
  return `${path.length === 0 ? 'the book' : path.join('.')}: ${expected}, found ${given.length > 60 ? `${given.slice(0, 60)}…` : given}`;
}
