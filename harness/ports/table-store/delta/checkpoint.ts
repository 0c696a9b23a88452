/**
 * Checkpoints: the whole state of a table in one Parquet file, so that a reader need not replay the log from its
 * beginning (protocol, "Checkpoints"). DuckDB turns the actions' JSON into typed columns and back.
 */
import { writeFile } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Column, ColumnBatch, Schema } from '../../columns.js';
import { quoteIdentifier, quoteText, readColumns } from '../../duckdb-columns.js';
import type { Engine } from '../engine.js';
import { type Action, type AddFile, encodeActions, type RemoveFile } from './actions.js';
import type { CheckpointFiles } from './log-files.js';
import type { ObjectStore } from './object-store.js';
import { deletedFileRetentionUs } from './table-properties.js';
import { replay, type TableState } from './table-state.js';

const text = 'VARCHAR';
const map = 'MAP(VARCHAR, VARCHAR)';
const columns = {
  txn: `STRUCT(appId ${text}, version BIGINT, lastUpdated BIGINT)`,
  add: `STRUCT(path ${text}, partitionValues ${map}, size BIGINT, modificationTime BIGINT, dataChange BOOLEAN, stats ${text}, tags ${map})`,
  remove: `STRUCT(path ${text}, deletionTimestamp BIGINT, dataChange BOOLEAN, extendedFileMetadata BOOLEAN, partitionValues ${map}, size BIGINT)`,
  metaData: `STRUCT(id ${text}, format STRUCT(provider ${text}, options ${map}), schemaString ${text}, partitionColumns ${text}[], configuration ${map}, createdTime BIGINT)`,
  protocol: 'STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER)',
};

export async function writeCheckpoint(
  engine: Engine,
  objects: ObjectStore,
  table: string,
  state: TableState,
  path: string,
  nowMs: number,
): Promise<{ readonly actions: number }> {
  const oldestMs = nowMs - deletedFileRetentionUs(table, state.metaData) / 1000;
  const actions = actionsOf(state, oldestMs);
  const json = await objects.stage();
  const parquet = await objects.stage();
  try {
    await writeFile(json, encodeActions(actions));
    const types = Object.entries(columns).map(([name, type]) => `${name}: ${quoteText(type)}`);
    await engine.run(
      `COPY (FROM read_json(${quoteText(json)}, format = 'newline_delimited', columns = {${types.join(', ')}}))
       TO ${quoteText(parquet)} (FORMAT parquet)`,
    );
    await objects.publish(parquet, path);
  } finally {
    await objects.discard(json);
    await objects.discard(parquet);
  }
  return { actions: actions.length };
}

/** The state that a checkpoint holds. Rejects if it cannot be read or is not whole. */
export async function readCheckpoint(
  engine: Engine,
  objects: ObjectStore,
  table: string,
  folder: string,
  { version, names, refused }: CheckpointFiles,
): Promise<TableState> {
  if (refused !== undefined) throw new Error(refused);
  const files = await objects.localFiles(names.map((name) => `${folder}/${name}`));
  const from = `read_parquet([${files.map(quoteText).join(', ')}])`;
  const actions = await engine.use(async (connection) => {
    const has = await fieldsOf(connection, files[0]!);
    return [
      ...(await readFew(connection, from, has)),
      ...(await readRemoved(connection, from, has)),
      ...(await readAdded(connection, from, has)),
    ];
  });
  return { ...replay(table, null, [{ version, actions }])!, dataVersion: version };
}

/** Paths of the columns that a checkpoint has: other writers leave out fields that are optional. */
type Fields = ReadonlySet<string>;

async function fieldsOf(connection: DuckDBConnection, file: string): Promise<Fields> {
  const read = await connection.runAndReadAll(
    `SELECT name, coalesce(num_children, 0)::INTEGER FROM parquet_schema(${quoteText(file)})`,
  );
  const elements = read.getRows() as [string, number][];
  const fields = new Set<string>();
  let next = 1;
  const visit = (prefix: string, children: number) => {
    for (let i = 0; i < children; i++) {
      const [name, grandchildren] = elements[next++]!;
      fields.add(prefix + name);
      visit(`${prefix}${name}.`, grandchildren);
    }
  };
  visit('', elements[0]![1]);
  return fields;
}

/** Actions of which a table has few. */
async function readFew(connection: DuckDBConnection, from: string, has: Fields): Promise<Action[]> {
  const kinds = ['protocol', 'metaData', 'txn'].filter((kind) => has.has(kind));
  const read = await connection.runAndReadAll(
    `SELECT json_object(${kinds.map((kind) => `'${kind}', ${kind}`).join(', ')})::VARCHAR
     FROM ${from} WHERE ${kinds.map((kind) => `${kind} IS NOT NULL`).join(' OR ')}`,
  );
  return (read.getColumnsJS()[0] ?? []).map((row) => dropNulls(JSON.parse(row as string)) as Action);
}

const maybeInt = (name: string): Column => ({ name, type: 'int', nullable: true });
const maybeText = (name: string): Column => ({ name, type: 'text', nullable: true });
const addSchema = [
  maybeText('path'),
  maybeText('partitionValues'),
  maybeInt('size'),
  maybeInt('modificationTime'),
  maybeText('stats'),
  maybeText('tags'),
];
const removeSchema = [
  maybeText('path'),
  maybeInt('deletionTimestamp'),
  maybeInt('extendedFileMetadata'),
  maybeText('partitionValues'),
  maybeInt('size'),
];

/** Tables have thousands of files: their actions come by columns, statistics stay the JSON that they are. */
async function readAdded(connection: DuckDBConnection, from: string, has: Fields): Promise<Action[]> {
  const actions: Action[] = [];
  const mapOf = mapReader();
  for await (const { rows, columns } of readKind(connection, from, has, 'add', addSchema)) {
    const { path, partitionValues, size, modificationTime, stats, tags } = columns as Record<string, readonly never[]>;
    for (let i = 0; i < rows; i++) {
      const add: AddFile = {
        path: path![i]!,
        partitionValues: mapOf(partitionValues![i]!) ?? {},
        size: size![i]!,
        modificationTime: modificationTime![i]!,
        dataChange: false,
        ...(stats![i] === null ? {} : { stats: stats![i]! }),
        ...(tags![i] === null ? {} : { tags: mapOf(tags![i]!)! }),
      };
      actions.push({ add });
    }
  }
  return actions;
}

async function readRemoved(connection: DuckDBConnection, from: string, has: Fields): Promise<Action[]> {
  const actions: Action[] = [];
  const mapOf = mapReader();
  for await (const { rows, columns } of readKind(connection, from, has, 'remove', removeSchema)) {
    const { path, deletionTimestamp, extendedFileMetadata, partitionValues, size } = columns as Record<
      string,
      readonly never[]
    >;
    for (let i = 0; i < rows; i++) {
      const remove: RemoveFile = {
        path: path![i]!,
        dataChange: false,
        ...(deletionTimestamp![i] === null ? {} : { deletionTimestamp: deletionTimestamp![i]! }),
        ...(extendedFileMetadata![i] === null ? {} : { extendedFileMetadata: extendedFileMetadata![i] === 1 }),
        ...(partitionValues![i] === null ? {} : { partitionValues: mapOf(partitionValues![i]!)! }),
        ...(size![i] === null ? {} : { size: size![i]! }),
      };
      actions.push({ remove });
    }
  }
  return actions;
}

async function* readKind(
  connection: DuckDBConnection,
  from: string,
  has: Fields,
  kind: 'add' | 'remove',
  schema: Schema,
): AsyncIterable<ColumnBatch> {
  if (!has.has(kind)) return;
  const fields = schema.map(({ name, type }) => {
    const field = `${kind}.${quoteIdentifier(name)}`;
    if (has.has(`${kind}.${name}.key_value`)) {
      return `CASE WHEN cardinality(${field}) > 0 THEN to_json(${field})::VARCHAR END AS ${name}`;
    }
    if (has.has(`${kind}.${name}`)) return `${field}::${type === 'int' ? 'BIGINT' : 'VARCHAR'} AS ${name}`;
    // A table may have its statistics in columns only (protocol, "Checkpoint Schema").
    if (name === 'stats' && has.has('add.stats_parsed')) return 'to_json(add.stats_parsed)::VARCHAR AS stats';
    return `NULL::${type === 'int' ? 'BIGINT' : 'VARCHAR'} AS ${name}`;
  });
  yield* readColumns(connection, `SELECT ${fields.join(', ')} FROM ${from} WHERE ${kind}.path IS NOT NULL`, schema);
}

/** Maps come as JSON. Many files have the same one, which is read once; maps that are empty are null. */
function mapReader(): (json: string | null) => Readonly<Record<string, string>> | null {
  const known = new Map<string, Readonly<Record<string, string>>>();
  return (json) => {
    if (json === null) return null;
    let map = known.get(json);
    if (map === undefined) {
      map = JSON.parse(json) as Readonly<Record<string, string>>;
      known.set(json, map);
    }
    return map;
  };
}

/** Tombstones older than `oldestMs` are left out. */
function actionsOf(state: TableState, oldestMs: number): Action[] {
  return [
    { protocol: state.protocol },
    { metaData: state.metaData },
    ...Array.from(state.txns, ([appId, recorded]): Action => ({ txn: { appId, ...recorded } })),
    ...Array.from(state.removed.values())
      .filter(({ deletionTimestamp = 0 }) => deletionTimestamp > oldestMs)
      .map((remove): Action => ({ remove: { ...remove, dataChange: false } })),
    ...Array.from(state.files.values(), (add): Action => ({ add: { ...add, dataChange: false } })),
  ];
}

/** A row has a column for every kind of action, and a field for every optional value: all but the given ones null. */
function dropNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== null)
      .map(([name, field]) => [name, dropNulls(field)]),
  );
}
