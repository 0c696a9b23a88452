/** A transaction as SQL: a few statements of many rows each, in an order that gives every row the images of its change. */
import type { Client } from 'pg';
import { HarnessError } from '../../errors.js';
import {
  createOp,
  publication,
  type RowImage,
  removeOp,
  type SourceTable,
  slot,
  sourceTables,
  tableStatements,
} from './rows.js';
import { packMessage, type RowChange, type SourceTransaction } from './transactions.js';

/** Of the logical messages that carry what rows cannot (pg_logical_emit_message). */
export const slotPrefix = 'planebench.slot';
export const endPrefix = 'planebench.end';

/** Tables with what they hold before the first change, then the slot from which changes are read. */
export async function createSource(client: Client, initialRows: readonly (readonly RowImage[])[]): Promise<void> {
  await client.query('SET client_min_messages TO warning');
  for (const statement of tableStatements()) await client.query(statement);
  for (const [table, rows] of initialRows.entries()) {
    for (let from = 0; from < rows.length; from += rowsAtOnce)
      await insertRows(client, sourceTables[table] as SourceTable, rows.slice(from, from + rowsAtOnce));
  }
  await client.query('ANALYZE');
  await client.query(`CREATE PUBLICATION ${publication} FOR TABLE ${sourceTables.map(({ name }) => name).join(', ')}`);
  await client.query(`SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
}

const rowsAtOnce = 10_000;

/** Everything of a transaction but its COMMIT. */
export async function applyTransaction(client: Client, transaction: SourceTransaction): Promise<void> {
  const { slotUs, rows, message } = transaction;
  const began = [client.query('BEGIN'), emitMessage(client, slotPrefix, packMessage(message))];
  const changed = statementsOf(rows).map(async (statement) => {
    const { rowCount } = await changeRows(client, statement);
    const { table, rows: asked } = statement;
    if (rowCount !== asked.length)
      throw new HarnessError(
        `the source's table ${sourceTables[table]?.name}: ${asked.length} rows were to change at ${slotUs}, and ${rowCount} did; the trace does not build on what the table holds`,
      );
  });
  await Promise.all([...began, ...changed]);
}

function changeRows(client: Client, { table, op, rows }: Statement) {
  const of = sourceTables[table] as SourceTable;
  if (op === removeOp) return deleteRows(client, of, rows);
  if (op !== createOp) return updateRows(client, of, rows);
  const made = rows.map(({ images }) => images.after as RowImage);
  return insertRows(client, of, made);
}

/** Says, in a transaction of its own, that there is no more to come. */
export async function endSource(client: Client): Promise<void> {
  await emitMessage(client, endPrefix, Buffer.alloc(0));
}

function emitMessage(client: Client, prefix: string, content: Buffer) {
  return client.query({
    name: 'message',
    text: 'SELECT pg_logical_emit_message(true, $1, $2::bytea)',
    values: [prefix, content],
  });
}

interface Statement {
  readonly table: number;
  readonly op: number;
  readonly rows: RowChange[];
}

/** Changes of a row stay in their order; those of different rows can be made at once. */
function statementsOf(rows: readonly RowChange[]): Statement[] {
  const statements = new Map<string, Statement & { readonly wave: number }>();
  const waves = new Map<string, number>();
  for (const row of rows) {
    const { table, op, key } = row;
    const wave = waves.get(`${table} ${key}`) ?? 0;
    waves.set(`${table} ${key}`, wave + 1);
    const name = `${wave} ${table} ${op}`;
    const statement = statements.get(name);
    if (statement) statement.rows.push(row);
    else statements.set(name, { wave, table, op, rows: [row] });
  }
  return [...statements.values()].sort((a, b) => a.wave - b.wave);
}

function insertRows(client: Client, { name, columns }: SourceTable, rows: readonly RowImage[]) {
  return client.query({
    name: `insert ${name}`,
    text: `INSERT INTO ${name} (${columns.map((column) => column.name).join(', ')}) SELECT * FROM ${unnest(columns)}`,
    values: valuesOf(columns, rows),
  });
}

function updateRows(client: Client, { name, key, columns }: SourceTable, rows: readonly RowChange[]) {
  const set = columns.filter((column) => column.name !== key).map((column) => `${column.name} = new.${column.name}`);
  return client.query({
    name: `update ${name}`,
    text: `UPDATE ${name} AS old SET ${set.join(', ')} FROM ${unnest(columns)} AS new (${columns
      .map((column) => column.name)
      .join(', ')}) WHERE old.${key} = new.${key}`,
    values: valuesOf(
      columns,
      rows.map(({ images }) => images.after as RowImage),
    ),
  });
}

function deleteRows(client: Client, { name, key }: SourceTable, rows: readonly RowChange[]) {
  return client.query({
    name: `delete ${name}`,
    text: `DELETE FROM ${name} WHERE ${key} = ANY($1::bigint[])`,
    values: [rows.map((row) => row.key)],
  });
}

const unnest = (columns: SourceTable['columns']) =>
  `unnest(${columns.map(({ type }, i) => `$${i + 1}::${type}[]`).join(', ')})`;

const valuesOf = (columns: SourceTable['columns'], rows: readonly RowImage[]) =>
  columns.map(({ name }) => rows.map((row) => row[name] ?? null));
