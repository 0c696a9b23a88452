/** Gives a table another schema by metadata alone; see evolution.ts for which. */

import type { Schema } from '../columns.js';
import { existing, type Tables } from './data-files.js';
import { commitInfo } from './delta/actions.js';
import { encodeSchema } from './delta/schema-string.js';
import { refusalOf } from './evolution.js';

export async function evolve({ log, clock }: Tables, table: string, schema: Schema): Promise<number> {
  const { version } = await log(table).commit((state) => {
    const { metaData, schema: before } = existing(table, state);
    const schemaString = encodeSchema(schema, metaData.schemaString);
    if (metaData.schemaString === schemaString) return null;
    const refusal = refusalOf(before, schema);
    if (refusal !== null) throw new Error(`Table ${table} cannot get this schema: ${refusal}.`);
    return [
      commitInfo(clock.nowUs(), 'CHANGE SCHEMA', { schema: schemaString }),
      { metaData: { ...metaData, schemaString } },
    ];
  });
  return version;
}
