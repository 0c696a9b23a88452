/** The table store over any object store: Delta logs say what is in a table, DuckDB writes and reads its Parquet. */
import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Clock } from '../../clock.js';
import { messageOf } from '../../errors.js';
import { seededRandom } from '../../random.js';
import type { ColumnBatch, Schema } from '../columns.js';
import { quoteIdentifier, quoteText, readColumns } from '../duckdb-columns.js';
import { append } from './append.js';
import { compact } from './compact.js';
import { existing, hotBytesOf, runOf, type Tables } from './data-files.js';
import { type Action, commitInfo } from './delta/actions.js';
import { type DeltaLog, openDeltaLog } from './delta/log.js';
import { type ObjectStore, type Reading, readingOf } from './delta/object-store.js';
import { encodeSchema } from './delta/schema-string.js';
import { filesThatMayMatch, statisticsOf } from './delta/statistics.js';
import type { TableState } from './delta/table-state.js';
import { openPlans, plannerSettings } from './derivation.js';
import { derive, query } from './derive.js';
import { type Engine, openEngine } from './engine.js';
import { expectSameTable } from './evolution.js';
import { evolve } from './evolve.js';
import { fold } from './fold.js';
import { openFooters } from './footers.js';
import { checkLayout, clusterColumnsOf, layoutProperties } from './layout.js';
import { pin, pinnedVersion, pinsOf, unpin } from './pins.js';
import type { ScanQuery, Snapshot, SnapshotTime, TableLayout, TableStore } from './port.js';
import { checkPredicate, columnOf, conditionOf } from './predicate.js';
import { filesAddedSince, filesOf, rowsOf } from './read-files.js';
import { noteReads } from './read-times.js';
import { restore } from './restore.js';
import { tier } from './tier.js';
import { tierOf } from './tier-policy.js';
import { upsert } from './upsert.js';
import { vacuum } from './vacuum.js';

/** With what a role needs besides, two derivations at a time stay below 6 GB. */
const derivationMemory = '1536MB';

export function deltaTableStore(options: {
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly threads: number;
  /** Id of the run of which the files that are written shall tell. */
  readonly run?: string | undefined;
}): TableStore {
  const { objects, clock } = options;
  const engine = openEngine({ threads: options.threads, memory: '768MB', spill: objects.stage });
  const planner = openEngine({ threads: 1, memory: '64MB', spill: objects.stage, settings: plannerSettings });
  // Apart, as derivations want all processors and all the memory that a process may have, and others go on beside them.
  const derivations = {
    engine: openEngine({
      threads: availableParallelism(),
      memory: derivationMemory,
      spill: objects.stage,
      rereads: true,
    }),
    planOf: openPlans(planner),
    footers: openFooters(),
    stateOf,
  };
  // Only for backing off: writers that lost a race together must not draw the same delay.
  const random = seededRandom(process.pid).fork(randomUUID());
  const logs = new Map<string, DeltaLog>();
  const shared: Omit<Tables, 'reading'> = {
    objects,
    engine,
    clock,
    reads: noteReads(objects, clock),
    run: options.run ?? null,
    strays: new Map(),
    log(table) {
      const log = logs.get(table) ?? openDeltaLog({ table: validName(table), objects, engine, clock, random });
      logs.set(table, log);
      return log;
    },
  };
  const states = new WeakMap<Snapshot, TableState>();

  async function stateOf(snapshot: Snapshot): Promise<TableState> {
    return states.get(snapshot) ?? (await shared.log(snapshot.table).at(snapshot.version));
  }

  const operate = <T>(operation: (tables: Tables) => Promise<T>): Promise<T> =>
    readingOf(objects, (reading) => operation({ ...shared, reading }));

  async function* stream(operation: (tables: Tables) => AsyncIterable<ColumnBatch>): AsyncIterable<ColumnBatch> {
    const reading: Reading = { fetchedBytes: null, usesCopies: false };
    try {
      yield* operation({ ...shared, reading });
    } finally {
      objects.release(reading);
    }
  }

  return {
    create: (table, schema, layout = {}) => operate((tables) => create(tables, table, schema, layout)),
    evolve: (table, schema) => operate((tables) => evolve(tables, table, schema)),
    append: (table, rows, txns) => operate((tables) => append(tables, table, rows, txns)),
    upsert: (table, rows, options) => operate((tables) => upsert(tables, table, rows, options, false)),
    remove: (table, keys, options) => operate((tables) => upsert(tables, table, keys, options, true)),
    async txns(table) {
      const { txns } = existing(table, await shared.log(table).refresh());
      return new Map(Array.from(txns, ([appId, { version }]) => [appId, version]));
    },
    async snapshot(table, at) {
      const state = await stateAt(shared.log(table), table, at);
      const snapshot = snapshotOf(table, state);
      states.set(snapshot, state);
      return snapshot;
    },
    async *scan(snapshot, query) {
      const state = await stateOf(snapshot);
      yield* stream((tables) => scan(tables, snapshot.table, state, query));
    },
    fold: (spec) => operate((tables) => fold(tables, spec)),
    derive: (spec) => operate((tables) => derive(tables, derivations, spec)),
    query: (spec) => stream((tables) => query(tables, derivations, spec)),
    compact: (table, sizes) => operate((tables) => compact(tables, table, sizes)),
    tier: (table, policy) => operate((tables) => tier(tables, table, policy)),
    pin: (table, name, version) => operate((tables) => pin(tables, table, name, version)),
    unpin: (table, name) => operate((tables) => unpin(tables, table, name)),
    pins: async (table) => pinsOf(existing(table, await shared.log(table).refresh()).metaData),
    restore: (table, version) => operate((tables) => restore(tables, table, version)),
    vacuum: (table, { retainUs }) => operate((tables) => vacuum(tables, table, retainUs)),
    readParquet: (path, schema) => readForeign(engine, path, schema),
    async tables() {
      const found = [];
      for (const folder of await objects.folders()) {
        const log = await objects.list(`${folder}/_delta_log`);
        if (log.some(({ name }) => /^\d{20}\./.test(name))) found.push(folder);
      }
      return found.sort();
    },
    async close() {
      for (const each of [engine, derivations.engine, planner]) await each.close();
    },
  };
}

/** Rows in the order of the file, so that whoever stores them by the chunk can go on after a crash. */
async function* readForeign(engine: Engine, path: string, schema: Schema): AsyncIterable<ColumnBatch> {
  await expectColumns(engine, path, schema);
  const connection = await engine.connect();
  try {
    const names = schema.map(({ name }) => quoteIdentifier(name)).join(', ');
    yield* readColumns(connection, `SELECT ${names} FROM read_parquet(${quoteText(path)})`, schema);
  } finally {
    connection.closeSync();
  }
}

/** Throws unless the file has these columns, so that what is wrong with it is said before any row was taken. */
async function expectColumns(engine: Engine, path: string, schema: Schema): Promise<void> {
  const described = await engine
    .texts(`SELECT to_json([column_name, column_type]) FROM (DESCRIBE FROM read_parquet(${quoteText(path)}))`)
    .catch((error) => {
      throw new Error(`${path} cannot be read as Parquet: ${messageOf(error)}`, { cause: error });
    });
  const types = new Map(described.map((column) => JSON.parse(column) as [string, string]));
  for (const { name, type } of schema) {
    const found = types.get(name);
    if (found === undefined) throw new Error(`${path} has no column ${name}; it has ${[...types.keys()].join(', ')}.`);
    if ((type === 'int' ? ['BIGINT', 'INTEGER'] : ['VARCHAR']).includes(found)) continue;
    throw new Error(`${path}: column ${name} is ${found}; expected ${type === 'int' ? 'BIGINT' : 'VARCHAR'}.`);
  }
}

async function stateAt(log: DeltaLog, table: string, at: SnapshotTime | undefined): Promise<TableState> {
  if (at === undefined) return existing(table, await log.refresh());
  if (typeof at === 'number') return log.at(at);
  if (!('pin' in at)) return log.at(at);
  const { metaData } = existing(table, await log.refresh());
  return log.at(pinnedVersion(table, pinsOf(metaData), at.pin));
}

async function create({ log, clock }: Tables, table: string, schema: Schema, layout: TableLayout): Promise<void> {
  checkLayout(table, schema, layout);
  const nowUs = clock.nowUs();
  const creation: readonly Action[] = [
    commitInfo(nowUs, 'CREATE TABLE', {}),
    { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
    {
      metaData: {
        id: randomUUID(),
        format: { provider: 'parquet', options: {} },
        schemaString: encodeSchema(schema),
        partitionColumns: layout.partitionBy ?? [],
        configuration: layoutProperties(layout),
        createdTime: Math.floor(nowUs / 1000),
      },
    },
  ];
  await log(table).commit((state) => (state === null ? creation : null));
  const expectSame = (there: TableState) => {
    const { partitionColumns: partitionBy, configuration } = there.metaData;
    expectSameTable(
      table,
      { schema, layout },
      { schema: there.schema, layout: { partitionBy, clusterBy: clusterColumnsOf(configuration) } },
    );
  };
  try {
    expectSame(existing(table, await log(table).lastSeen()));
  } catch {
    // Somebody else may have made of it meanwhile what is wanted.
    expectSame(existing(table, await log(table).refresh()));
  }
}

async function* scan(tables: Tables, table: string, state: TableState, query: ScanQuery): AsyncIterable<ColumnBatch> {
  const { where } = query;
  const schema = query.columns.map((name) => columnOf(table, state.schema, name));
  if (where) checkPredicate(table, state.schema, where);
  const live =
    query.since === undefined
      ? await filesOf(tables, table, state)
      : await filesAddedSince(tables, table, state, query.since);
  const files = where ? filesThatMayMatch(live, columnOf(table, state.schema, where.column), where) : live;
  if (files.length === 0) return;
  await tables.reads.note(table, state, files);
  const columns = schema.map(({ name }) => quoteIdentifier(name)).join(', ');
  const condition = where ? ` WHERE ${conditionOf(where)}` : '';
  const rows = await rowsOf(tables, table, state, files);
  const connection = await tables.engine.connect();
  try {
    yield* readColumns(connection, `SELECT ${columns} FROM ${rows}${condition}`, schema);
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
      tier: tierOf(file),
      hotBytes: hotBytesOf(file),
      run: runOf(file),
    })),
  };
}

function validName(table: string): string {
  if (/^[A-Za-z][A-Za-z0-9_]*$/.test(table)) return table;
  throw new Error(`${table} is no name for a table: use a letter, then letters, digits and underscores.`);
}
