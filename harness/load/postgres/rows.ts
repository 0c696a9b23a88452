/**
 * Rows of the source database: its tables, as the schemas of the contract have them, and their images as Avro, as a
 * connector writes them.
 */
import avro, { type Type } from 'avsc';
import { type opNames, type TableName, tableNames } from '../../../workloads/change-batch.js';
import { changeOf, rowSchemas } from '../../../workloads/contracts/schemas.js';
import { HarnessError } from '../../errors.js';

export type Value = number | string | null;
/** A row, by column. */
export type RowImage = Readonly<Record<string, Value>>;
export interface RowImages {
  readonly before: RowImage | null;
  readonly after: RowImage | null;
}

export interface SourceTable {
  readonly name: TableName;
  readonly key: string;
  readonly columns: readonly { readonly name: string; readonly type: 'bigint' | 'integer' | 'text' }[];
}

const keys: Readonly<Record<TableName, string>> = {
  orders: 'order_id',
  clicks: 'click_id',
  devices: 'device_id',
  customers: 'customer',
};

/** The version that the database has: the last that the registry accepts; rows of older ones leave its new column empty. */
const storedVersion: Readonly<Record<TableName, number>> = { orders: 2, clicks: 1, devices: 1, customers: 1 };

/** In the order of `tableNames`. */
export const sourceTables: readonly SourceTable[] = tableNames.map((name) => ({
  name,
  key: keys[name],
  columns: (rowSchemas[name][storedVersion[name] - 1] as (typeof rowSchemas)[TableName][number]).fields.map(
    ({ name: column, type }) => ({ name: column, type: sqlTypeOf(type) }),
  ),
}));

function sqlTypeOf(type: unknown): SourceTable['columns'][number]['type'] {
  if (type === 'long') return 'bigint';
  return type === 'int' ? 'integer' : 'text';
}

export const publication = 'planebench';
export const slot = 'planebench';

/** Statements that make the tables. Old rows are written to the log whole: they are the images before. */
export function tableStatements(): string[] {
  return sourceTables.flatMap(({ name, key, columns }) => [
    `CREATE TABLE ${name} (${columns.map((column) => `${column.name} ${column.type}`).join(', ')}, PRIMARY KEY (${key}))`,
    `ALTER TABLE ${name} REPLICA IDENTITY FULL`,
  ]);
}

const types: readonly (readonly Type[])[] = tableNames.map((table) =>
  rowSchemas[table].map((row) => avro.Type.forSchema(changeOf(row))),
);

function typeOf(table: number, version: number): Type {
  const type = types[table]?.[version - 1];
  if (!type) throw new HarnessError(`no schema of ${tableNames[table]} has version ${version}`);
  return type;
}

export function decodeImages(table: number, version: number, payload: Uint8Array): RowImages {
  const { buffer, byteOffset, byteLength } = payload;
  return typeOf(table, version).fromBuffer(Buffer.from(buffer, byteOffset, byteLength)) as RowImages;
}

export function encodeImages(table: number, version: number, images: RowImages): Uint8Array {
  return typeOf(table, version).toBuffer(images);
}

export function keyOf(table: number, { before, after }: RowImages): number {
  return (after ?? before)?.[(sourceTables[table] as SourceTable).key] as number;
}

/** As decoded: bigint comes as text, which keeps more than a number would; ours are all below 2^53. */
export function rowOf(table: number, decoded: Readonly<Record<string, unknown>>): RowImage {
  const row: Record<string, Value> = {};
  for (const { name, type } of (sourceTables[table] as SourceTable).columns)
    row[name] = type === 'bigint' ? Number(decoded[name]) : (decoded[name] as Value);
  return row;
}

export const tableNumber = (name: string): number => tableNames.indexOf(name as TableName);
export const [createOp, updateOp, removeOp] = [0, 1, 2] as const satisfies readonly (keyof typeof opNames)[];
