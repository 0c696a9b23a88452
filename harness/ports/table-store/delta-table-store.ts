/** The table store over any object store: Delta logs say what is in a table, DuckDB writes and reads its Parquet. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.js';
import { CallError } from '../../errors.js';
import { seededRandom } from '../../random.js';
import type { ColumnBatch, Schema } from '../columns.js';
import { appendColumns, createTableSql, quoteIdentifier, quoteText, readColumns } from '../duckdb-columns.js';
import { compact } from './compact.js';
import {
  commitFiles,
  existing,
  filesAddedSince,
  filesOf,
  rowsOf,
  runOf,
  type Tables,
  writeDataFile,
} from './data-files.js';
import { type Action, type AddFile, commitInfo, setTransaction } from './delta/actions.js';
import { type DeltaLog, openDeltaLog } from './delta/log.js';
import type { ObjectStore } from './delta/object-store.js';
import { encodeSchema } from './delta/schema-string.js';
import { mayHold, statisticsOf } from './delta/statistics.js';
import type { TableState } from './delta/table-state.js';
import { openEngine } from './engine.js';
import { fold } from './fold.js';
import type { AppendResult, ScanQuery, Snapshot, TableStore, Txn } from './port.js';
import { vacuum } from './vacuum.js';

export function deltaTableStore(options: {
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly threads: number;
  /** Id of the run of which the files that are written shall tell. */
  readonly run?: string | undefined;
}): TableStore {
  const { objects, clock } = options;
  const engine = openEngine({ threads: options.threads, spill: objects.stage });
  // Only for backing off: writers that lost a race together must not draw the same delay.
  const random = seededRandom(process.pid).fork(randomUUID());
  const logs = new Map<string, DeltaLog>();
  const tables: Tables = {
    objects,
    engine,
    clock,
    run: options.run ?? null,
    log(table) {
      const log = logs.get(table) ?? openDeltaLog({ table: validName(table), objects, engine, clock, random });
      logs.set(table, log);
      return log;
    },
  };
  const states = new WeakMap<Snapshot, TableState>();

  return {
    create: (table, schema) => create(tables, table, schema),
    append: (table, rows, txns) => append(tables, table, rows, txns),
    async txns(table) {
      const { txns } = existing(table, await tables.log(table).refresh());
      return new Map(Array.from(txns, ([appId, { version }]) => [appId, version]));
    },
    async snapshot(table, version) {
      const log = tables.log(table);
      const state = existing(table, version === undefined ? await log.refresh() : await log.at(version));
      const snapshot = snapshotOf(table, state);
      states.set(snapshot, state);
      return snapshot;
    },
    async *scan(snapshot, query) {
      const state = states.get(snapshot) ?? (await tables.log(snapshot.table).at(snapshot.version));
      yield* scan(tables, snapshot.table, state, query);
    },
    fold: (spec) => fold(tables, spec),
    compact: (table, sizes) => compact(tables, table, sizes),
    vacuum: (table, { retainUs }) => vacuum(tables, table, retainUs),
    readParquet: (path, schema) => readForeign(tables, path, schema),
    async tables() {
      const found = [];
      for (const folder of await objects.folders()) {
        const log = await objects.list(`${folder}/_delta_log`);
        if (log.some(({ name }) => /^\d{20}\./.test(name))) found.push(folder);
      }
      return found.sort();
    },
    close: () => engine.close(),
  };
}

/** Rows in the order of the file, so that whoever stores them by the chunk can go on after a crash. */
async function* readForeign({ engine }: Tables, path: string, schema: Schema): AsyncIterable<ColumnBatch> {
  const connection = await engine.connect();
  try {
    const names = schema.map(({ name }) => quoteIdentifier(name)).join(', ');
    yield* readColumns(connection, `SELECT ${names} FROM read_parquet(${quoteText(path)})`, schema);
  } finally {
    connection.closeSync();
  }
}

async function create({ log, clock }: Tables, table: string, schema: Schema): Promise<void> {
  const nowUs = clock.nowUs();
  const creation: readonly Action[] = [
    commitInfo(nowUs, 'CREATE TABLE', {}),
    { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
    {
      metaData: {
        id: randomUUID(),
        format: { provider: 'parquet', options: {} },
        schemaString: encodeSchema(schema),
        partitionColumns: [],
        configuration: {},
        createdTime: Math.floor(nowUs / 1000),
      },
    },
  ];
  await log(table).commit((state) => (state === null ? creation : null));
  const there = existing(table, await log(table).lastSeen()).schema;
  if (encodeSchema(there) !== encodeSchema(schema)) {
    throw new Error(`Table ${table} exists with the schema ${encodeSchema(there)}, not with ${encodeSchema(schema)}.`);
  }
}

async function append(tables: Tables, table: string, rows: ColumnBatch, txns: readonly Txn[]): Promise<AppendResult> {
  const seen = existing(table, await tables.log(table).lastSeen());
  if (isRecorded(seen, txns) || (rows.rows === 0 && txns.length === 0)) {
    return { committed: false, version: seen.version };
  }
  const added = rows.rows === 0 ? [] : [await writeRows(tables, table, seen.schema, rows)];
  return commitFiles(tables, table, added, (state) => {
    if (isRecorded(state, txns)) return null;
    if (state.metaData.schemaString !== seen.metaData.schemaString) {
      throw new CallError('failed', `Table ${table} got another schema while rows were appended; append them again.`);
    }
    const nowUs = tables.clock.nowUs();
    return [
      commitInfo(nowUs, 'WRITE', { mode: 'Append' }, true),
      ...txns.map(({ appId, version }) => setTransaction(nowUs, appId, version)),
      ...added.map((add) => ({ add })),
    ];
  });
}

function isRecorded(state: TableState, txns: readonly Txn[]): boolean {
  return txns.some(({ appId, version }) => (state.txns.get(appId)?.version ?? Number.NEGATIVE_INFINITY) >= version);
}

function writeRows(tables: Tables, table: string, schema: Schema, rows: ColumnBatch): Promise<AddFile> {
  return tables.engine.use(async (connection) => {
    await connection.run(createTableSql('staged', schema, 'TEMP TABLE'));
    await appendColumns(connection, 'staged', schema, rows);
    return writeDataFile(tables, connection, table, schema, 'FROM staged', { dataChange: true });
  });
}

async function* scan(tables: Tables, table: string, state: TableState, query: ScanQuery): AsyncIterable<ColumnBatch> {
  const schema = query.columns.map((name) => {
    const column = state.schema.find((candidate) => candidate.name === name);
    if (column) return column;
    throw new Error(`Table ${table} has no column ${name}; it has ${state.schema.map((c) => c.name).join(', ')}.`);
  });
  const live =
    query.since === undefined
      ? await filesOf(tables, table, state)
      : await filesAddedSince(tables, table, state, query.since);
  const where = query.where && { column: query.where.column, values: query.where.values.toSorted((a, b) => a - b) };
  const files = where ? live.filter((file) => mayHold(file, where.column, where.values)) : live;
  if (files.length === 0) return;
  const columns = schema.map(({ name }) => quoteIdentifier(name)).join(', ');
  const condition = where ? ` WHERE ${quoteIdentifier(where.column)} IN (${where.values.join(', ')})` : '';
  const connection = await tables.engine.connect();
  try {
    yield* readColumns(connection, `SELECT ${columns} FROM ${await rowsOf(tables, table, files)}${condition}`, schema);
  } finally {
    connection.closeSync();
  }
}

function snapshotOf(table: string, state: TableState): Snapshot {
  return {
    table,
    version: state.version,
    schema: state.schema,
    files: Array.from(state.files.values(), (file) => ({
      path: file.path,
      bytes: file.size,
      rows: statisticsOf(file)?.numRecords ?? 0,
      run: runOf(file),
    })),
  };
}

function validName(table: string): string {
  if (/^[A-Za-z][A-Za-z0-9_]*$/.test(table)) return table;
  throw new Error(`${table} is no name for a table: use a letter, then letters, digits and underscores.`);
}
