/** What a scan may ask of a column, checked against the table and as SQL. */
import type { Column, Schema } from '../columns.js';
import { quoteIdentifier, quoteText } from '../duckdb-columns.js';
import type { Predicate } from './port.js';

/** The column of that name. */
export function columnOf(table: string, schema: Schema, name: string): Column {
  const column = schema.find((candidate) => candidate.name === name);
  if (column) return column;
  throw new Error(`Table ${table} has no column ${name}; it has ${schema.map((c) => c.name).join(', ')}.`);
}

/** Throws unless rows of such a table can be asked this. */
export function checkPredicate(table: string, schema: Schema, where: Predicate): void {
  const { name, type } = columnOf(table, schema, where.column);
  if ('values' in where) {
    const wanted = type === 'int' ? 'number' : 'string';
    const other = where.values.find((value) => typeof value !== wanted);
    if (other === undefined) return;
    throw new Error(`Table ${table}: column ${name} is ${type}, and ${JSON.stringify(other)} is not.`);
  }
  if (type !== 'int') throw new Error(`Table ${table}: column ${name} is ${type}; only int columns have ranges.`);
}

export function conditionOf(where: Predicate): string {
  const column = quoteIdentifier(where.column);
  if ('values' in where) {
    if (where.values.length === 0) return 'false';
    return `${column} IN (${where.values.map((v) => (typeof v === 'number' ? v : quoteText(v))).join(', ')})`;
  }
  const bounds = [
    ...(where.from === undefined ? [] : [`${column} >= ${where.from}`]),
    ...(where.to === undefined ? [] : [`${column} < ${where.to}`]),
  ];
  return bounds.length === 0 ? `${column} IS NOT NULL` : bounds.join(' AND ');
}
