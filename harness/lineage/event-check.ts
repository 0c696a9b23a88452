/** Events as a plane answered them, held against event.schema.json before anything is concluded from them. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { OpenLineageEvent } from './event.js';
import eventSchema from './event.schema.json' with { type: 'json' };

let valid: ValidateFunction<OpenLineageEvent> | null = null;

/** What is wrong with it, and where; null: nothing. */
export function whatIsWrong(event: unknown): string | null {
  // When it is asked first: most processes never are.
  valid ??= new Ajv2020({ allErrors: true }).compile<OpenLineageEvent>(eventSchema);
  if (valid(event)) return null;
  return (valid.errors ?? []).map(({ instancePath, message }) => `${instancePath || '/'} ${message}`).join('; ');
}
