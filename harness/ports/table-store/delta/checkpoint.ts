/**
 * Checkpoints: the whole state of a table in one Parquet file, so that a reader need not replay the log from its
 * beginning (protocol, "Checkpoints"). DuckDB turns the actions' JSON into typed columns and back.
 */
import { writeFile } from 'node:fs/promises';
import { dayUs } from '../../../../workloads/durations.js';
import { quoteText } from '../../duckdb-columns.js';
import type { Engine } from '../engine.js';
import { type Action, decodeActions, encodeActions } from './actions.js';
import type { ObjectStore } from './object-store.js';
import { replay, type TableState } from './table-state.js';

/** Tombstones older than this are left out, as `delta.deletedFileRetentionDuration` has it by default. */
const tombstoneMs = (7 * dayUs) / 1000;

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
  state: TableState,
  path: string,
  nowMs: number,
): Promise<{ readonly actions: number }> {
  const actions = actionsOf(state, nowMs);
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

/** Null if there is no such checkpoint. */
export async function readCheckpoint(
  engine: Engine,
  objects: ObjectStore,
  table: string,
  path: string,
  version: number,
): Promise<TableState | null> {
  const [file] = await objects.localFiles([path]);
  const rows = await engine.texts(
    `SELECT json_object(${Object.keys(columns)
      .map((name) => `'${name}', ${name}`)
      .join(', ')})::VARCHAR FROM read_parquet(${quoteText(file!)})`,
  );
  const actions = decodeActions(rows.join('\n')).map(withoutNulls);
  return replay(table, null, [{ version, actions }]);
}

function actionsOf(state: TableState, nowMs: number): Action[] {
  return [
    { protocol: state.protocol },
    { metaData: state.metaData },
    ...Array.from(state.txns, ([appId, recorded]): Action => ({ txn: { appId, ...recorded } })),
    ...Array.from(state.removed.values())
      .filter(({ deletionTimestamp = 0 }) => deletionTimestamp > nowMs - tombstoneMs)
      .map((remove): Action => ({ remove: { ...remove, dataChange: false } })),
    ...Array.from(state.files.values(), (add): Action => ({ add: { ...add, dataChange: false } })),
  ];
}

/** A row has a column for every kind of action, and a field for every optional value: all but the given ones null. */
function withoutNulls(row: object): Action {
  return dropNulls(row) as Action;
}

function dropNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== null)
      .map(([name, field]) => [name, dropNulls(field)]),
  );
}
