/**
 * Which schema a table may get: one in which every file that was written by the old one is right as it is, for every
 * reader. Rewriting files would allow more; then nobody could tell which writer still follows the old schema.
 */
import type { ColumnBatch, Schema } from '../columns.js';
import { encodeSchema } from './delta/schema-string.js';
import type { TableLayout } from './port.js';

/** Why a table of schema `from` cannot get schema `to`; null if it can. */
export function refusalOf(from: Schema, to: Schema): string | null {
  const given = new Set<string>();
  for (const { name } of to) {
    // Engines on top of Delta do not tell letters' cases apart.
    if (given.has(name.toLowerCase())) return `column ${name} is there twice`;
    given.add(name.toLowerCase());
  }
  for (const [i, before] of from.entries()) {
    const after = to[i];
    if (!to.some(({ name }) => name === before.name)) {
      return `column ${before.name} would be dropped or renamed, and with it what is stored`;
    }
    if (after?.name !== before.name) return `column ${before.name} would move; new columns come last`;
    if (after.type !== before.type) {
      return `column ${before.name} would change from ${before.type} to ${after.type}, which stored files are not`;
    }
    if (before.nullable && !after.nullable) return `column ${before.name} may hold nulls already`;
  }
  const strict = to.slice(from.length).find(({ nullable }) => !nullable);
  return strict ? `column ${strict.name} is new and not nullable, but rows that are there have no value for it` : null;
}

/** The batch with every column of the table: nulls where it knows nothing of a nullable one. */
export function fillIn(table: string, { rows, columns }: ColumnBatch, schema: Schema): ColumnBatch {
  const unknown = Object.keys(columns).find((name) => !schema.some((column) => column.name === name));
  if (unknown !== undefined) {
    const names = schema.map(({ name }) => name).join(', ');
    throw new Error(`Table ${table} has no column ${unknown}; it has ${names}. Evolve its schema first.`);
  }
  const missing = schema.filter(({ name, nullable }) => nullable && columns[name] === undefined);
  if (missing.length === 0) return { rows, columns };
  const nulls: readonly null[] = new Array(rows).fill(null);
  return { rows, columns: { ...columns, ...Object.fromEntries(missing.map(({ name }) => [name, nulls])) } };
}

interface TableShape {
  readonly schema: Schema;
  readonly layout: TableLayout;
}

/** Throws unless whoever asked for such a table may take the one that is there for it. */
export function expectSameTable(table: string, wanted: TableShape, there: TableShape): void {
  if (refusalOf(wanted.schema, there.schema) !== null) {
    throw new Error(
      `Table ${table} exists with the schema ${encodeSchema(there.schema)}, not with ${encodeSchema(wanted.schema)}.`,
    );
  }
  for (const by of ['partitionBy', 'clusterBy'] as const) {
    const [want = [], have = []] = [wanted.layout[by], there.layout[by]];
    if (want.join() === have.join()) continue;
    const named = (columns: readonly string[]) => (columns.length === 0 ? 'no column' : columns.join(', '));
    throw new Error(
      `Table ${table} exists, ${by === 'partitionBy' ? 'partitioned' : 'clustered'} by ${named(have)}, not by ${named(want)}.`,
    );
  }
}
