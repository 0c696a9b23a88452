/**
 * Tables made of tables: DuckDB reads the files of snapshots, computes, and writes the files of the result; the log makes
 * them one commit. No row passes through JavaScript.
 */
import { readFile } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { CallError, messageOf } from '../../errors.js';
import type { ColumnBatch, Schema } from '../columns.js';
import { createTableSql, quoteText, readColumns } from '../duckdb-columns.js';
import {
  type ColumnStatistics,
  clusteredByTag,
  commitFiles,
  dataFileName,
  existing,
  filesOf,
  isRecorded,
  removalOf,
  statisticsFrom,
  type Tables,
} from './data-files.js';
import { type AddFile, commitInfo, setTransaction } from './delta/actions.js';
import { type FileStatistics, mayHold, statisticsOf } from './delta/statistics.js';
import type { TableState } from './delta/table-state.js';
import {
  conditionOf,
  orderBy,
  parquetSource,
  type Relations,
  referencedColumns,
  schemaOf,
  selectColumns,
  viewSql,
} from './derivation.js';
import type { Engine } from './engine.js';
import { measureFiles } from './footers.js';
import type { DeriveResult, DeriveSpec, QuerySpec, RelationPredicate, Scanned, Snapshot } from './port.js';

export interface Derivations {
  readonly engine: Engine;
  /** Has `plannerSettings`. */
  readonly planner: Engine;
  stateOf(snapshot: Snapshot): Promise<TableState>;
}

const nothing = { rows: 0, files: 0, bytes: 0, scanned: { liveBytes: 0, requestedBytes: 0, readBytes: 0 } };

export async function derive(tables: Tables, derivations: Derivations, spec: DeriveSpec): Promise<DeriveResult> {
  const { into, txns } = spec;
  const seen = existing(into, await tables.log(into).lastSeen());
  if (isRecorded(seen, txns)) return { committed: false, version: seen.version, ...nothing };
  const { added, scanned } = await write(tables, derivations, spec, seen.schema);
  const replacing = spec.mode === 'replace';
  if (added.length === 0 && !replacing && txns.length === 0) {
    return { committed: false, version: seen.version, ...nothing, scanned };
  }
  const derivedFrom = Object.values(spec.from).flatMap((relation) =>
    'snapshot' in relation && relation.snapshot.table === into ? [relation.snapshot] : [],
  );
  const isBlind = !replacing && derivedFrom.length === 0;
  const result = await commitFiles(tables, into, added, (state) => {
    if (isRecorded(state, txns)) return null;
    if (state.metaData.schemaString !== seen.metaData.schemaString) {
      throw new CallError('failed', `Table ${into} got another schema while rows were derived; derive them again.`);
    }
    if (replacing) for (const snapshot of derivedFrom) expectUnchanged(state, snapshot);
    const nowUs = tables.clock.nowUs();
    return [
      commitInfo(nowUs, 'WRITE', { mode: replacing ? 'Overwrite' : 'Append' }, isBlind),
      ...txns.map(({ appId, version }) => setTransaction(nowUs, appId, version)),
      ...(replacing ? Array.from(state.files.values(), (file) => ({ remove: removalOf(file, true, nowUs) })) : []),
      ...added.map((add) => ({ add })),
    ];
  });
  if (!result.committed) return { ...result, ...nothing, scanned };
  return {
    ...result,
    rows: added.reduce((sum, file) => sum + (statisticsOf(file)?.numRecords ?? 0), 0),
    files: added.length,
    bytes: added.reduce((sum, { size }) => sum + size, 0),
    scanned,
  };
}

export async function* query(
  tables: Tables,
  derivations: Derivations,
  { from, sql, schema }: QuerySpec,
): AsyncIterable<ColumnBatch> {
  const sources = await findSources(tables, derivations, from);
  const connection = await derivations.engine.connect();
  try {
    await bind(connection, sources);
    yield* readColumns(connection, await selectColumns(connection, sql, schema), schema);
  } finally {
    connection.closeSync();
  }
}

/** What `into` holds beside its snapshot would be lost. */
function expectUnchanged(state: TableState, { table, version, files }: Snapshot): void {
  if (state.files.size === files.length && files.every(({ path }) => state.files.has(path))) return;
  throw new CallError(
    'failed',
    `Table ${table}: rows derived of its version ${version} cannot replace those of version ${state.version}; derive them of that.`,
  );
}

/** A relation as DuckDB reads it. */
interface Source {
  readonly name: string;
  readonly schema: Schema;
  readonly paths: readonly string[];
  readonly condition: string;
  /** Of a snapshot. */
  readonly where: RelationPredicate | undefined;
  readonly isSnapshot: boolean;
}

async function findSources(tables: Tables, { stateOf }: Derivations, from: Relations): Promise<Source[]> {
  const sources: Source[] = [];
  for (const [name, relation] of Object.entries(from)) {
    const schema = schemaOf(relation);
    if ('parquet' in relation) {
      sources.push({ name, schema, paths: relation.parquet, condition: '', where: undefined, isSnapshot: false });
      continue;
    }
    const { snapshot, where } = relation;
    const condition = conditionOf(where, schema);
    const live = await filesOf(tables, snapshot.table, await stateOf(snapshot));
    const files = where ? live.filter((file) => mayBeAskedFor(file, where)) : live;
    const paths = await tables.objects.localFiles(
      files.map(({ path }) => `${snapshot.table}/${decodeURIComponent(path)}`),
    );
    sources.push({ name, schema, paths, condition, where, isSnapshot: true });
  }
  return sources;
}

function mayBeAskedFor(file: AddFile, where: RelationPredicate): boolean {
  if ('values' in where) {
    return mayHold(
      file,
      where.column,
      where.values.toSorted((a, b) => a - b),
    );
  }
  const { column, from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = where;
  const least = statisticsOf(file)?.minValues[column];
  const greatest = statisticsOf(file)?.maxValues[column];
  return (typeof least !== 'number' || least < to) && (typeof greatest !== 'number' || greatest >= from);
}

/** The name of each relation, for statements of this connection. */
async function bind(connection: DuckDBConnection, sources: readonly Source[]): Promise<void> {
  for (const { name, schema, paths, condition } of sources) {
    const sql =
      paths.length === 0
        ? createTableSql(name, schema, 'TEMP TABLE')
        : viewSql(name, parquetSource(paths), schema, condition);
    await connection.run(sql);
  }
}

async function write(
  tables: Tables,
  derivations: Derivations,
  { into, from, sql, sortBy = [] }: DeriveSpec,
  schema: Schema,
): Promise<{ readonly added: readonly AddFile[]; readonly scanned: Scanned }> {
  const sources = await findSources(tables, derivations, from);
  const referenced = await derivations.planner.use((connection) => referencedColumns(connection, from, sql));
  return derivations.engine.use(async (connection) => {
    await bind(connection, sources);
    const select = `${await selectColumns(connection, sql, schema)}${orderBy(sortBy, schema)}`;
    const before = await bytesReadByProcess();
    const added = await writeFiles(tables, connection, into, schema, select, sortBy);
    const after = await bytesReadByProcess();
    const scanned = {
      liveBytes: 0,
      requestedBytes: 0,
      readBytes: before === null || after === null ? null : after - before,
    };
    for (const source of sources) {
      if (!source.isSnapshot || source.paths.length === 0) continue;
      const columns = referenced.get(source.name) as ReadonlySet<string>;
      const measured = await measureFiles(connection, { ...source, columns });
      scanned.liveBytes += measured.liveBytes;
      scanned.requestedBytes += measured.requestedBytes;
    }
    return { added, scanned };
  });
}

/** Data files with the rows of `select` that no commit has added yet; none if there are no rows. */
async function writeFiles(
  { objects, clock }: Tables,
  connection: DuckDBConnection,
  table: string,
  schema: Schema,
  select: string,
  sortBy: readonly string[],
): Promise<AddFile[]> {
  const staged = await objects.stage();
  try {
    const written = await connection
      .runAndReadAll(
        `COPY (${select}) TO ${quoteText(staged)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, RETURN_STATS)`,
      )
      .catch((error) => {
        throw new CallError('failed', `Table ${table}: rows were not derived: ${messageOf(error)}`, { cause: error });
      });
    const [row] = written.getRowObjectsJson();
    const rows = Number(row?.count);
    if (rows === 0) return [];
    const statistics = statisticsFrom(row?.column_statistics as unknown as ColumnStatistics, schema, rows);
    checkValues(table, schema, statistics);
    const nowUs = clock.nowUs();
    const path = dataFileName(nowUs);
    await objects.publish(staged, `${table}/${path}`);
    return [
      {
        path,
        partitionValues: {},
        size: Number(row?.file_size_bytes),
        modificationTime: Math.floor(nowUs / 1000),
        dataChange: true,
        stats: JSON.stringify(statistics),
        ...(sortBy.length > 0 ? { tags: { [clusteredByTag]: JSON.stringify(sortBy) } } : {}),
      },
    ];
  } finally {
    await objects.discard(staged);
  }
}

/** What DuckDB's types let through, and those of the table do not. */
function checkValues(
  table: string,
  schema: Schema,
  { numRecords, minValues, maxValues, nullCount }: FileStatistics,
): void {
  for (const { name, type, nullable } of schema) {
    if (!nullable && nullCount[name] !== 0) {
      throw new Error(
        `Table ${table}: the SQL answers null for ${name} in ${nullCount[name]} of ${numRecords} rows; it is not nullable.`,
      );
    }
    const beyond = [minValues[name], maxValues[name]].find(
      (bound) => Math.abs(Number(bound)) > Number.MAX_SAFE_INTEGER,
    );
    if (type === 'int' && beyond !== undefined) {
      throw new Error(`Table ${table}: the SQL answers ${beyond} for ${name}; integers end at 2^53.`);
    }
  }
}

/** Linux counts what read calls return, whether or not it came from a disk: proc_pid_io(5), rchar. */
async function bytesReadByProcess(): Promise<number | null> {
  const counters = await readFile('/proc/self/io', 'utf8').catch(() => null);
  const found = counters === null ? null : /^rchar: (\d+)$/m.exec(counters);
  return found ? Number(found[1]) : null;
}
