/** How rows are put into files: the layout of a table, and what partition values are in the log and in paths. */
import type { Column, Schema } from '../columns.js';
import type { TableLayout } from './port.js';
import { columnOf } from './predicate.js';

/** More cannot be interleaved in an order of 62 bits with enough of each column. */
const clusterColumnsAtMost = 4;

/** Throws unless a table of this schema can be laid out so. */
export function checkLayout(table: string, schema: Schema, { partitionBy = [], clusterBy = [] }: TableLayout): void {
  const all = [...partitionBy, ...clusterBy];
  for (const name of all) {
    columnOf(table, schema, name);
    // A value is the same in all rows of a file if the table is partitioned by it: clustering has nothing left to do.
    if (all.indexOf(name) !== all.lastIndexOf(name)) {
      throw new Error(`Table ${table}: its layout names column ${name} twice; name it once.`);
    }
  }
  if (partitionBy.length === schema.length) {
    throw new Error(`Table ${table}: every column is a partition column, and files would have none; leave one out.`);
  }
  if (clusterBy.length > clusterColumnsAtMost) {
    throw new Error(
      `Table ${table}: ${clusterBy.length} columns to cluster by are too many; ${clusterColumnsAtMost} at most.`,
    );
  }
}

const clusterByProperty = 'planebench.clusterBy';

/** What the log keeps of it; its partition columns have a place of their own there. */
export function layoutProperties({ clusterBy = [] }: TableLayout): Readonly<Record<string, string>> {
  return clusterBy.length === 0 ? {} : { [clusterByProperty]: JSON.stringify(clusterBy) };
}

export function clusterColumnsOf(configuration: Readonly<Record<string, string>>): readonly string[] {
  return JSON.parse(configuration[clusterByProperty] ?? '[]') as string[];
}

/** What tells files of one clustering from those of another, or of none. */
export function clusteringName(columns: readonly string[]): readonly string[] {
  return columns.length === 1 ? columns : ['zorder', ...columns];
}

/** Cuts rows into so many parts of the same size, none of them empty. */
export function cuts(rows: number, parts: number): { readonly first: number; readonly end: number }[] {
  return Array.from({ length: Math.min(parts, rows) }, (_, i) => ({
    first: Math.floor((i * rows) / Math.min(parts, rows)),
    end: Math.floor(((i + 1) * rows) / Math.min(parts, rows)),
  }));
}

/** As the log has it (protocol, "Partition Value Serialization"), where an empty text stands for null. */
export function encodePartitionValue(table: string, column: string, value: number | string | null): string {
  if (value === '') {
    throw new Error(
      `Table ${table}: an empty text in partition column ${column}, which Delta reads as null; use null.`,
    );
  }
  return value === null ? '' : String(value);
}

/** Null, an empty text or nothing at all, whichever writer it was, is null. */
export function decodePartitionValue(value: string | null | undefined, { type }: Column): number | string | null {
  if (value === null || value === undefined || value === '') return null;
  return type === 'int' ? Number(value) : value;
}

/** Names are cut: long ones no disk takes. Files are told apart by names of their own, so folders may be shared. */
const longestFolderName = 120;

/** For people only: readers take the values from the log. */
export function partitionFolder(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${escapeName(name)}=${value === '' ? '__HIVE_DEFAULT_PARTITION__' : escapeName(value)}/`)
    .join('');
}

/** Nothing is left that a path, a pattern of DuckDB or Windows takes for something else. */
function escapeName(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*.~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .slice(0, longestFolderName);
}
