/** Checks a saved `summary.json`, `manifest.json` or baseline against its published schema before anything trusts it. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Baseline } from './baseline.js';
import baselineSchema from './baseline.schema.json' with { type: 'json' };
import manifestSchema from './manifest.schema.json' with { type: 'json' };
import type { Manifest, Summary } from './summary.js';
import summarySchema from './summary.schema.json' with { type: 'json' };

/** Formats are for readers of the schema: what must hold is said by patterns too. */
const ajv = new Ajv2020({ allErrors: true, validateFormats: false });
const validSummary = ajv.compile<Summary>(summarySchema);
const validBaseline = ajv.compile<Baseline>(baselineSchema);
const validManifest = ajv.compile<Manifest>(manifestSchema);

/** `source` names the file in the message. Throws one error that lists what is wrong, each with its path. */
export function validateSummary(value: unknown, source = 'summary.json'): Summary {
  return checked(value, validSummary, source, 'summary');
}

export function validateManifest(value: unknown, source = 'manifest.json'): Manifest {
  return checked(value, validManifest, source, 'manifest');
}

export function validateBaseline(value: unknown, source: string): Baseline {
  return checked(value, validBaseline, source, 'baseline');
}

const madeBy = {
  summary: 'planebench report',
  manifest: 'planebench report',
  baseline: 'planebench gate RUN --write-baseline FILE',
};

const listed = 10;

function checked<T>(value: unknown, valid: ValidateFunction<T>, source: string, name: keyof typeof madeBy): T {
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
