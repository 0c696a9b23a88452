/** Checks a saved `summary.json`, `manifest.json` or baseline against its published schema before anything trusts it. */
import { Ajv2020, type AnySchemaObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Baseline } from './baseline.js';
import baselineSchema from './baseline.schema.json' with { type: 'json' };
import manifestSchema from './manifest.schema.json' with { type: 'json' };
import type { Manifest, Summary } from './summary.js';
import summarySchema from './summary.schema.json' with { type: 'json' };

/** Formats are for readers of the schema: what must hold is said by patterns too. */
const ajv = new Ajv2020({ allErrors: true, validateFormats: false });

/** `source` names the file in the message. Throws one error that lists what is wrong, each with its path. */
export function validateSummary(value: unknown, source = 'summary.json'): Summary {
  return checked<Summary>(value, summarySchema, source, 'summary');
}

export function validateManifest(value: unknown, source = 'manifest.json'): Manifest {
  return checked<Manifest>(value, manifestSchema, source, 'manifest');
}

export function validateBaseline(value: unknown, source: string): Baseline {
  return checked<Baseline>(value, baselineSchema, source, 'baseline');
}

const madeBy = {
  summary: 'planebench report',
  manifest: 'planebench report',
  baseline: 'planebench gate RUN --write-baseline FILE',
};

const listed = 10;

function checked<T>(value: unknown, schema: AnySchemaObject, source: string, name: keyof typeof madeBy): T {
  // Compiled when it is asked for first, then kept by ajv.
  const valid: ValidateFunction<T> = ajv.compile<T>(schema);
  if (valid(value)) return value;
  const errors = (valid.errors ?? []).map(
    ({ instancePath, message, params }) => `  ${instancePath || '/'}: ${message}${detail(params)}`,
  );
  const rest = errors.length > listed ? [`  and ${errors.length - listed} more`] : [];
  throw new Error(
    [
      `${source} is no planebench.${name}/1:`,
      ...errors.slice(0, listed),
      ...rest,
      `It must match reports/${name}.schema.json; make it again with "${madeBy[name]}", or use the version that wrote it.`,
    ].join('\n'),
  );
}

function detail(params: Record<string, unknown>): string {
  const [found] = [params.additionalProperty, params.allowedValue, params.allowedValues].filter((x) => x !== undefined);
  return found === undefined ? '' : ` (${JSON.stringify(found)})`;
}
