/** A table's schema in Delta's `schemaString`: the JSON of a Spark struct type. */
import type { Schema } from '../../columns.js';

interface StructField {
  readonly name: string;
  readonly type: unknown;
  readonly nullable: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
}

const typeNames = { int: 'long', text: 'string' } as const;

/** `before`: the schemaString that it replaces, whose columns keep what is said of them. */
export function encodeSchema(schema: Schema, before?: string): string {
  const metadataOf = new Map(fieldsOf(before).map(({ name, metadata }) => [name, metadata]));
  const fields = schema.map(
    ({ name, type, nullable }): StructField => ({
      ...{ name, type: typeNames[type], nullable },
      metadata: metadataOf.get(name) ?? {},
    }),
  );
  return JSON.stringify({ type: 'struct', fields });
}

export function decodeSchema(table: string, schemaString: string): Schema {
  return fieldsOf(schemaString).map(({ name, type, nullable, metadata }) => {
    if ((type !== 'long' && type !== 'string') || Object.keys(metadata).some((key) => key.startsWith('delta.'))) {
      throw new Error(
        `Table ${table}: column ${name} is ${JSON.stringify(type)} with metadata ${JSON.stringify(metadata)}; only plain long and string columns are supported.`,
      );
    }
    return { name, type: type === 'long' ? 'int' : 'text', nullable };
  });
}

function fieldsOf(schemaString = '{"fields":[]}'): readonly StructField[] {
  return (JSON.parse(schemaString) as { readonly fields: readonly StructField[] }).fields;
}
