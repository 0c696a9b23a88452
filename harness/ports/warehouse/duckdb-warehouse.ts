/** The warehouse over one DuckDB file, in the process that owns the file. */
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { takeTurns } from '../../clock.js';
import { CallError, messageOf } from '../../errors.js';
import type { ColumnBatch, Schema } from '../columns.js';
import { duckDb } from '../duckdb.js';
import { appendColumns, createTableSql, quoteIdentifier as quoted, quoteText, readColumns } from '../duckdb-columns.js';
import { selectColumns } from '../table-store/derivation.js';
import type { MergeSpec, PositionMove, Query, RefreshSpec, Relation, Warehouse } from './port.js';
import { execute, inTransaction, queryRow } from './statements.js';
import { openViewReaders } from './view-readers.js';
import { refreshedViews, refreshView, servedRows } from './view-refresh.js';

export interface DuckDbWarehouseOptions {
  readonly directory: string;
  /** Threads of DuckDB: how many work on one statement. */
  readonly threads: number;
  /** Connections that answer `read`, each one statement at a time. */
  readonly readers: number;
  /** DuckDB has given up on the file, say because the disk is full: nothing works until it is opened again. */
  readonly onFatal: (error: Error) => void;
}

const memoryLimit = '1GB';
/** Size of the write-ahead log at which it is folded into the file; more makes fewer pauses and a longer recovery. */
const checkpointBytes = '64MB';

const fileName = 'warehouse.duckdb';

export async function openDuckDbWarehouse(options: DuckDbWarehouseOptions): Promise<Warehouse> {
  const { directory } = options;
  await mkdir(directory, { recursive: true });
  const instance = await duckDb().DuckDBInstance.create(join(directory, fileName), {
    threads: String(options.threads),
    memory_limit: memoryLimit,
    temp_directory: join(directory, 'spill'),
    checkpoint_threshold: checkpointBytes,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const writer = await instance.connect();
  await createBooks(writer);
  const readers = await openViewReaders(instance, options.readers);
  const write = writeInTurn(writer, options.onFatal);
  // Of what takes long, and of what takes a moment: neither waits for the other, nor for the writer.
  const batchWriter = await instance.connect();
  const writeBatch = writeInTurn(batchWriter, options.onFatal);
  const books = await instance.connect();
  const keepBooks = writeInTurn(books, options.onFatal);
  /** Streams on a connection of its own. */
  async function* stream(rows: (connection: DuckDBConnection) => Promise<AsyncIterable<ColumnBatch>>) {
    const connection = await instance.connect();
    try {
      yield* await rows(connection);
    } catch (error) {
      refuse(error);
    } finally {
      connection.closeSync();
    }
  }

  return {
    createTable: (table, schema) => keepBooks(() => createTable(books, table, schema)),
    stage: (table, rows, position) => write(() => stage(writer, table, rows, position)),
    position: (source) => keepBooks(() => recordedPosition(books, source)),
    merge: (spec) => write(() => merge(writer, spec)),
    copy: (table, parquetPath, source) => write(() => copy(writer, table, parquetPath, source)),
    refresh: (spec) => write(() => refreshView(writer, checked(spec))),
    read: (view, keys) => readers.read(view, keys),
    insert: (table, query, position) => writeBatch(() => insert(batchWriter, table, query, position)),
    query: (query, schema) =>
      stream(async (connection) => {
        const sql = await selectColumns(connection, withRelations(query), schema);
        return readColumns(connection, sql, schema);
      }),
    scan: (table, columns) =>
      stream(async (connection) => {
        const schema = columnsOf(await existingSchema(connection, table), table, columns);
        const names = schema.map(({ name }) => quoted(name)).join(', ');
        return readColumns(connection, `SELECT ${names} FROM ${quoted(table)}`, schema);
      }),
    tables: () => write(() => listTables(writer)),
    inventory: () => write(() => takeInventory(writer, directory)),
    async close() {
      await Promise.all([write, writeBatch, keepBooks].map((rest) => rest(async () => {}).catch(() => {})));
      await readers.close();
      writer.closeSync();
      batchWriter.closeSync();
      books.closeSync();
      instance.closeSync();
    },
  };
}

/** One transaction after the other, in the order of the calls. */
function writeInTurn(
  writer: DuckDBConnection,
  onFatal: (error: Error) => void,
): <T>(work: () => Promise<T>) => Promise<T> {
  const inTurn = takeTurns();
  return (work) =>
    inTurn(() =>
      inTransaction(writer, work).catch((error: unknown) => {
        if (!messageOf(error).startsWith('FATAL')) return refuse(error);
        // It may have failed after the commit had reached the log.
        const fatal = new CallError('indeterminate', messageOf(error), { cause: error });
        onFatal(fatal);
        throw fatal;
      }),
    );
}

/** The transaction was rolled back, so the call had no effect. */
function refuse(error: unknown): never {
  throw error instanceof CallError ? error : new CallError('failed', messageOf(error), { cause: error });
}

/** What the engine keeps beside the tables of its users: how far sources were loaded. */
async function createBooks(writer: DuckDBConnection): Promise<void> {
  await execute(writer, 'CREATE SCHEMA IF NOT EXISTS books');
  await execute(writer, 'CREATE TABLE IF NOT EXISTS books.positions (source VARCHAR, offsets BIGINT[])');
  await execute(writer, 'CREATE TABLE IF NOT EXISTS books.copies (source VARCHAR, copied_rows BIGINT)');
}

/** Null if there is no such table. */
async function schemaOf(connection: DuckDBConnection, table: string): Promise<Schema | null> {
  const exists = await queryRow(
    connection,
    'SELECT 1 FROM duckdb_tables() WHERE schema_name = $1 AND table_name = $2',
    ['main', table],
  );
  return exists && existingSchema(connection, table);
}

async function existingSchema(connection: DuckDBConnection, table: string): Promise<Schema> {
  const columns = await connection.runAndReadAll(
    `SELECT name, type, "notnull" FROM pragma_table_info(${quoteText(quoted(table))})`,
  );
  return columns.getRows().map(([name, type, notNull]) => ({
    name: String(name),
    type: type === 'BIGINT' ? 'int' : 'text',
    nullable: notNull === false,
  }));
}

function columnsOf(schema: Schema, table: string, columns: readonly string[]): Schema {
  return columns.map((name) => {
    const column = schema.find((candidate) => candidate.name === name);
    if (!column) {
      const known = schema.map((candidate) => candidate.name).join(', ');
      throw new CallError('failed', `table '${table}' has no column '${name}'; it has ${known}`);
    }
    return column;
  });
}

const allColumns = (schema: Schema) => schema.map(({ name }) => name);

async function createTable(writer: DuckDBConnection, table: string, schema: Schema): Promise<void> {
  const existing = await schemaOf(writer, table);
  if (existing === null) {
    await execute(writer, createTableSql(table, schema));
    return;
  }
  const describe = (columns: Schema) =>
    columns.map(({ name, type, nullable }) => `${name} ${type}${nullable ? '' : ' not null'}`).join(', ');
  if (describe(existing) !== describe(schema))
    throw new CallError(
      'failed',
      `table '${table}' exists with other columns: ${describe(existing)}; expected ${describe(schema)}`,
    );
}

async function stage(
  writer: DuckDBConnection,
  table: string,
  rows: ColumnBatch,
  position: PositionMove,
): Promise<void> {
  await movePosition(writer, position);
  const schema = await existingSchema(writer, table);
  if (rows.rows > 0) await appendColumns(writer, table, schema, rows);
}

async function insert(
  writer: DuckDBConnection,
  table: string,
  query: Query,
  position: PositionMove,
): Promise<{ rows: number }> {
  await movePosition(writer, position);
  const schema = await existingSchema(writer, table);
  const columns = allColumns(schema).map(quoted).join(', ');
  const selected = await selectColumns(writer, withRelations(query), schema);
  return { rows: await execute(writer, `INSERT INTO ${quoted(table)} (${columns}) ${selected}`) };
}

/** Read where they are: nothing of them is computed that the SQL does not ask for. */
function withRelations({ from, sql }: Query): string {
  const relations = Object.entries(from).map(
    ([name, relation]) => `${quoted(name)} AS NOT MATERIALIZED (${relationRows(relation)})`,
  );
  return relations.length === 0 ? sql : `WITH ${relations.join(', ')} SELECT * FROM (${sql})`;
}

function relationRows(relation: Relation): string {
  if ('view' in relation) return servedRows(relation.view);
  if ('parquet' in relation) {
    const columns = allColumns(relation.schema).map(quoted).join(', ');
    return `SELECT ${columns} FROM read_parquet([${relation.parquet.map(quoteText).join(', ')}])`;
  }
  const { table, rows } = relation;
  // Nothing is deleted from such a table, so that rows keep their numbers.
  return `SELECT * FROM main.${quoted(table)}${rows === undefined ? '' : ` WHERE rowid < ${rows}`}`;
}

async function movePosition(writer: DuckDBConnection, { source, from, to }: PositionMove): Promise<void> {
  const recorded = await recordedPosition(writer, source);
  if (String(recorded) !== String(from))
    throw new CallError(
      'failed',
      `'${source}' stands at ${recorded ?? 'its beginning'}, not at ${from ?? 'its beginning'}: somebody else has staged from it; read its position again`,
    );
  const offsets = duckDb().listValue(to.map(BigInt));
  await execute(
    writer,
    recorded === null
      ? 'INSERT INTO books.positions (offsets, source) VALUES ($1::BIGINT[], $2)'
      : 'UPDATE books.positions SET offsets = $1::BIGINT[] WHERE source = $2',
    [offsets, source],
  );
}

async function recordedPosition(connection: DuckDBConnection, source: string): Promise<number[] | null> {
  const reader = await connection.runAndReadAll('SELECT unnest(offsets) FROM books.positions WHERE source = $1', [
    source,
  ]);
  const offsets = reader.getRows().map(([offset]) => Number(offset));
  return offsets.length === 0 ? null : offsets;
}

async function merge(writer: DuckDBConnection, spec: MergeSpec): Promise<{ merged: number; duplicates: number }> {
  const { from, into, key, duplicatesInto } = spec;
  const schema = await existingSchema(writer, from);
  const columns = allColumns(schema).map(quoted).join(', ');
  const keys = columnsOf(schema, from, key).map(({ name }) => quoted(name));
  const sameKey = keys.map((name) => `s.${name} = i.${name}`).join(' AND ');
  await execute(
    writer,
    `CREATE OR REPLACE TEMP TABLE repeated AS
       SELECT s.row FROM (SELECT ${keys.join(', ')}, rowid AS row, row_number() OVER (PARTITION BY ${keys.join(', ')} ORDER BY rowid) AS copy
                          FROM ${quoted(from)}) s
       WHERE s.copy > 1 OR EXISTS (SELECT 1 FROM ${quoted(into)} i WHERE ${sameKey})`,
  );
  const move = (target: string, isRepeated: 'IN' | 'NOT IN') =>
    execute(
      writer,
      `INSERT INTO ${quoted(target)} (${columns})
         SELECT ${columns} FROM ${quoted(from)} WHERE rowid ${isRepeated} (SELECT row FROM repeated)`,
    );
  const merged = await move(into, 'NOT IN');
  const duplicates = await move(duplicatesInto, 'IN');
  await execute(writer, `DELETE FROM ${quoted(from)}`);
  return { merged, duplicates };
}

async function copy(
  writer: DuckDBConnection,
  table: string,
  parquetPath: string,
  source: string,
): Promise<{ rows: number }> {
  const already = await queryRow(writer, 'SELECT copied_rows FROM books.copies WHERE source = $1', [source]);
  if (already) return { rows: Number(already[0]) };
  const columns = allColumns(await existingSchema(writer, table))
    .map(quoted)
    .join(', ');
  const rows = await execute(
    writer,
    `INSERT INTO ${quoted(table)} (${columns}) SELECT ${columns} FROM read_parquet($1)`,
    [parquetPath],
  );
  await execute(writer, 'INSERT INTO books.copies VALUES ($1, $2)', [source, BigInt(rows)]);
  return { rows };
}

function checked(spec: RefreshSpec): RefreshSpec {
  if (!Number.isSafeInteger(spec.asOfUs))
    throw new CallError('failed', `a view is refreshed as of a whole number of microseconds, not ${spec.asOfUs}`);
  return spec;
}

const createdTables = `SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main' AND NOT temporary`;

async function listTables(connection: DuckDBConnection): Promise<string[]> {
  const tables = (await connection.runAndReadAll(createdTables)).getRows().map(([table]) => String(table));
  return [...tables, ...(await refreshedViews(connection))].sort();
}

async function takeInventory(
  connection: DuckDBConnection,
  directory: string,
): Promise<{ fileBytes: number[]; rows: number }> {
  const tables = await connection.runAndReadAll(createdTables);
  const counts = tables.getRows().map(([table]) => `(SELECT count(*) FROM ${quoted(String(table))})`);
  const row = await queryRow(connection, `SELECT ${['0', ...counts].join(' + ')}`);
  const sizes = await Promise.all([fileName, `${fileName}.wal`].map((name) => sizeOf(join(directory, name))));
  return { fileBytes: sizes.filter((bytes) => bytes > 0), rows: Number(row![0]) };
}

/** 0 where there is no file. */
async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}
