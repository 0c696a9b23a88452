/**
 * Events as a plane answered them, held against the published schemas of OpenLineage and event.schema.json, which asks for
 * our facets as well, before anything is concluded from them.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { OpenLineageEvent } from './event.js';
import eventSchema from './event.schema.json' with { type: 'json' };
import versionFacet from './openlineage/DatasetVersionDatasetFacet.json' with { type: 'json' };
import specification from './openlineage/OpenLineage.json' with { type: 'json' };
import parentFacet from './openlineage/ParentRunFacet.json' with { type: 'json' };

/** The formats that the specification names: RFC 3339, RFC 3986, RFC 9562. Of a URI that which tells it from a text. */
const formats = {
  'date-time':
    /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]\d{2}:\d{2})$/,
  uri: /^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"{}|\\^`]+$/,
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
};

let valid: ValidateFunction<OpenLineageEvent> | null = null;

/** What is wrong with it, and where; null: nothing. */
export function whatIsWrong(event: unknown): string | null {
  // When it is asked first: most processes never are.
  valid ??= compile();
  if (valid(event)) return null;
  return (valid.errors ?? []).map(({ instancePath, message }) => `${instancePath || '/'} ${message}`).join('; ');
}

function compile(): ValidateFunction<OpenLineageEvent> {
  const schemas = [specification, versionFacet, parentFacet];
  // These schemas never change: to hold them against the schema of schemas takes half of the time, and is left to a test.
  const ajv = new Ajv2020({ allErrors: true, strictTypes: false, validateSchema: false, schemas, formats });
  // An annotation of the specification that JSON Schema does not know.
  ajv.addVocabulary(['example']);
  return ajv.compile<OpenLineageEvent>(eventSchema);
}
