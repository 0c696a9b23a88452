/**
 * Checkpoints: the whole state of a table in one Parquet file, so that a reader need not replay the log from its
 * beginning (protocol, "Checkpoints"). DuckDB turns the actions' JSON into typed columns and back.
 */
import { writeFile } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteIdentifier, quoteText } from '../../duckdb-columns.js';
import type { Engine } from '../engine.js';
import { type Action, type AddFile, encodeActions, type RemoveFile } from './actions.js';
import type { CheckpointFiles } from './log-files.js';
import { type ObjectStore, readingOf } from './object-store.js';
import { deletedFileRetentionUs } from './table-properties.js';
import { replay, type TableState } from './table-state.js';

const text = 'VARCHAR';
const map = 'MAP(VARCHAR, VARCHAR)';
const columns = {
  txn: `STRUCT(appId ${text}, version BIGINT, lastUpdated BIGINT)`,
  add: `STRUCT(path ${text}, partitionValues ${map}, size BIGINT, modificationTime BIGINT, dataChange BOOLEAN, stats ${text}, tags ${map})`,
  remove: `STRUCT(path ${text}, deletionTimestamp BIGINT, dataChange BOOLEAN, extendedFileMetadata BOOLEAN, partitionValues ${map}, size BIGINT)`,
  metaData: `STRUCT(id ${text}, name ${text}, description ${text}, format STRUCT(provider ${text}, options ${map}), schemaString ${text}, partitionColumns ${text}[], configuration ${map}, createdTime BIGINT)`,
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
  return readingOf(objects, async (reading) => {
    const paths = names.map((name) => `${folder}/${name}`);
    const actions = await readActions(engine, await objects.localFiles(paths, reading));
    return { ...replay(table, null, [{ version, actions }])!, dataVersion: version };
  });
}

async function readActions(engine: Engine, files: readonly string[]): Promise<Action[]> {
  const from = `read_parquet([${files.map(quoteText).join(', ')}], file_row_number = true)`;
  return engine.use(async (connection) => {
    const has = await fieldsOf(connection, files[0]!);
    return [
      ...(await readFew(connection, from, has)),
      ...(await readRemoved(connection, from, has)),
      ...(await readAdded(connection, from, has)),
    ];
  });
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

/** Tables have thousands of files: their statistics stay the JSON that they are. */
async function readAdded(connection: DuckDBConnection, from: string, has: Fields): Promise<Action[]> {
  const mapOf = mapReader();
  const fields = ['path', 'partitionValues', 'size', 'modificationTime', 'stats', 'tags'];
  return readKind(connection, from, has, 'add', fields, ([path, partitionValues, size, modified, stats, tags]) => {
    const add: AddFile = {
      path: path!,
      partitionValues: mapOf(partitionValues) ?? {},
      size: Number(size),
      modificationTime: Number(modified),
      dataChange: false,
      ...(stats === '' ? {} : { stats: stats! }),
      ...(tags === '' ? {} : { tags: mapOf(tags)! }),
    };
    return { add };
  });
}

async function readRemoved(connection: DuckDBConnection, from: string, has: Fields): Promise<Action[]> {
  const mapOf = mapReader();
  const fields = ['path', 'deletionTimestamp', 'extendedFileMetadata', 'partitionValues', 'size'];
  return readKind(connection, from, has, 'remove', fields, ([path, deleted, extended, partitionValues, size]) => {
    const remove: RemoveFile = {
      path: path!,
      dataChange: false,
      ...(deleted === '' ? {} : { deletionTimestamp: Number(deleted) }),
      ...(extended === '' ? {} : { extendedFileMetadata: extended === 'true' }),
      ...(partitionValues === '' ? {} : { partitionValues: mapOf(partitionValues)! }),
      ...(size === '' ? {} : { size: Number(size) }),
    };
    return { remove };
  });
}

const rowsPerText = 2_000;
/** Control characters, which neither JSON nor an encoded path contains. */
const [fieldEnd, rowEnd] = ['\x1f', '\x1e'];

/**
 * Rows come as a few long texts: a call into DuckDB for each field of each file would take ten times as long. A field
 * that is null, or that the checkpoint does not have, is empty, and so is a map without entries.
 */
async function readKind(
  connection: DuckDBConnection,
  from: string,
  has: Fields,
  kind: 'add' | 'remove',
  names: readonly string[],
  toAction: (fields: readonly (string | undefined)[]) => Action,
): Promise<Action[]> {
  if (!has.has(kind)) return [];
  const fields = names.map((name) => {
    const field = `${kind}.${quoteIdentifier(name)}`;
    if (has.has(`${kind}.${name}.key_value`)) return `CASE WHEN cardinality(${field}) > 0 THEN to_json(${field}) END`;
    if (has.has(`${kind}.${name}`)) return field;
    // A table may have its statistics in columns only (protocol, "Checkpoint Schema").
    if (name === 'stats' && has.has('add.stats_parsed')) return 'to_json(add.stats_parsed)';
    return 'NULL';
  });
  const row = `concat(${fields.join(`, chr(${fieldEnd.charCodeAt(0)}), `)})`;
  const read = await connection.runAndReadAll(
    `SELECT string_agg(${row}, chr(${rowEnd.charCodeAt(0)})) FROM ${from} WHERE ${kind}.path IS NOT NULL
     GROUP BY file_row_number // ${rowsPerText} ORDER BY file_row_number // ${rowsPerText}`,
  );
  const texts = (read.getColumnsJS()[0] ?? []) as string[];
  return texts.flatMap((text) => text.split(rowEnd).map((line) => toAction(line.split(fieldEnd))));
}

/** Maps come as JSON. Many files have the same one, which is read once. */
function mapReader(): (json: string | undefined) => Readonly<Record<string, string>> | null {
  const known = new Map<string, Readonly<Record<string, string>>>();
  return (json = '') => {
    if (json === '') return null;
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
