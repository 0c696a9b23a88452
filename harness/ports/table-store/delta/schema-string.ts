/** A table's schema in Delta's `schemaString`: the JSON of a Spark struct type. */
import type { Schema } from '../../columns.js';

interface StructField {
  readonly name: string;
  readonly type: unknown;
  readonly nullable: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
}

const typeNames = { int: 'long', text: 'string' } as const;

export function encodeSchema(schema: Schema): string {
  const fields = schema.map(
    ({ name, type, nullable }): StructField => ({ name, type: typeNames[type], nullable, metadata: {} }),
  );
  return JSON.stringify({ type: 'struct', fields });
}

export function decodeSchema(table: string, schemaString: string): Schema {
  const { fields } = JSON.parse(schemaString) as { readonly fields: readonly StructField[] };
  return fields.map(({ name, type, nullable, metadata }) => {
    if ((type !== 'long' && type !== 'string') || Object.keys(metadata).some((key) => key.startsWith('delta.'))) {
      throw new Error(
        `Table ${table}: column ${name} is ${JSON.stringify(type)} with metadata ${JSON.stringify(metadata)}; only plain long and string columns are supported.`,
      );
    }
    return { name, type: type === 'long' ? 'int' : 'text', nullable };
  });
}
