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
  commitDraft,
  dataFileName,
  discardFiles,
  drafting,
  existing,
  removalOf,
  statisticsFrom,
  type Tables,
  tagsOf,
} from './data-files.js';
import { type AddFile, commitInfo, setTransaction } from './delta/actions.js';
import { isRecorded } from './delta/conflicts.js';
import { type FileStatistics, filesThatMayMatch, statisticsOf } from './delta/statistics.js';
import { expectRowsMayGo } from './delta/table-properties.js';
import type { TableState } from './delta/table-state.js';
import {
  orderBy,
  type PlanOf,
  partitionedInto,
  type Relations,
  schemaOf,
  selectColumns,
  viewSql,
} from './derivation.js';
import type { Engine } from './engine.js';
import { refusalOf } from './evolution.js';
import type { Footers, NamedFile } from './footers.js';
import type { DeriveResult, DeriveSpec, Predicate, QuerySpec, Scanned, Snapshot } from './port.js';
import { checkPredicate, columnOf, conditionOf } from './predicate.js';
import { filesOf, localFilesOf, rowsOfLocal } from './read-files.js';

export interface Derivations {
  readonly engine: Engine;
  readonly planOf: PlanOf;
  readonly footers: Footers;
  stateOf(snapshot: Snapshot): Promise<TableState>;
}

const nothing = { rows: 0, files: 0, bytes: 0, scanned: { liveBytes: 0, requestedBytes: 0, readBytes: 0 } };

export async function derive(tables: Tables, derivations: Derivations, spec: DeriveSpec): Promise<DeriveResult> {
  const { into, txns } = spec;
  const seen = existing(into, await tables.log(into).lastSeen());
  if (seen.metaData.partitionColumns.length > 0) throw new Error(partitionedInto(into));
  if (isRecorded(seen, txns)) return { committed: false, version: seen.version, ...nothing };
  const added: AddFile[] = [];
  const draft = { files: added, discard: () => discardFiles(tables, into, added) };
  const scanned = await drafting(draft, () => write(tables, derivations, spec, seen.schema, added));
  const replacing = spec.mode === 'replace';
  if (added.length === 0 && !replacing && txns.length === 0) {
    return { committed: false, version: seen.version, ...nothing, scanned };
  }
  const derivedFrom = Object.values(spec.from).flatMap((relation) =>
    'snapshot' in relation && relation.snapshot.table === into ? [relation.snapshot] : [],
  );
  const isBlind = !replacing && derivedFrom.length === 0;
  const result = await commitDraft(tables, into, draft, (state) => {
    if (isRecorded(state, txns)) return null;
    const refusal = refusalOf(seen.schema, state.schema);
    if (refusal !== null) {
      throw new CallError(
        'failed',
        `Table ${into} got another schema while rows were derived (${refusal}); derive them again.`,
      );
    }
    if (replacing && state.files.size > 0) expectRowsMayGo(into, state.metaData, 'a derivation in their place');
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
  /** A table function or subquery; null if there are no rows. */
  readonly rows: string | null;
  readonly where: Predicate | undefined;
  /** Those of a snapshot. */
  readonly files: readonly NamedFile[];
}

async function findSources(tables: Tables, { stateOf }: Derivations, from: Relations): Promise<Source[]> {
  const sources: Source[] = [];
  for (const [name, relation] of Object.entries(from)) {
    const schema = schemaOf(relation);
    if ('parquet' in relation) {
      const rows =
        relation.parquet.length === 0 ? null : `read_parquet([${relation.parquet.map(quoteText).join(', ')}])`;
      sources.push({ name, schema, rows, where: undefined, files: [] });
      continue;
    }
    const { snapshot, where } = relation;
    const { table } = snapshot;
    if (where) checkPredicate(table, schema, where);
    const state = await stateOf(snapshot);
    const live = await filesOf(tables, table, state);
    const asked = where ? filesThatMayMatch(live, columnOf(table, schema, where.column), where) : live;
    if (asked.length === 0) {
      sources.push({ name, schema, rows: null, where, files: [] });
      continue;
    }
    await tables.reads.note(table, state, asked);
    const paths = await localFilesOf(tables, table, asked);
    const rows = await rowsOfLocal(tables, table, state, asked, paths);
    const files = paths.map((path, i) => ({ name: fileName(table, (asked[i] as AddFile).path), path }));
    sources.push({ name, schema, rows, where, files });
  }
  return sources;
}

const fileName = (table: string, path: string) => `${table}/${path}`;

/** The name of each relation, for statements of this connection. */
async function bind(connection: DuckDBConnection, sources: readonly Source[]): Promise<void> {
  for (const { name, schema, rows, where } of sources) {
    const sql =
      rows === null
        ? createTableSql(name, schema, 'TEMP TABLE')
        : viewSql(name, rows, schema, where ? conditionOf(where) : '');
    await connection.run(sql);
  }
}

async function write(
  tables: Tables,
  derivations: Derivations,
  { into, from, sql, sortBy = [], sliceRows, run }: DeriveSpec,
  schema: Schema,
  added: AddFile[],
): Promise<Scanned> {
  const sources = await findSources(tables, derivations, from);
  const plan = await derivations.planOf(from, sql, schema);
  return derivations.engine.use(async (connection) => {
    await bind(connection, sources);
    const select = `${plan.select}${orderBy(sortBy, schema)}`;
    const readBytes = await writeFiles(
      tables,
      connection,
      {
        ...{ table: into, schema, select, sortBy, rowsPerGroup: groupFor(sliceRows), run: run ?? tables.run },
        // Who reads it by slices reads it more than once.
        footers: sliceRows === undefined ? null : derivations.footers,
      },
      added,
    );
    const scanned = { liveBytes: 0, requestedBytes: 0, readBytes: tables.reading.fetchedBytes ?? readBytes };
    for (const { name, rows, where, files } of sources) {
      if (rows === null || files.length === 0) continue;
      const columns = plan.referenced.get(name) as ReadonlySet<string>;
      const measured = await derivations.footers.measure(connection, { rows, where, files, columns });
      scanned.liveBytes += measured.liveBytes;
      scanned.requestedBytes += measured.requestedBytes;
    }
    return tables.reading.usesCopies ? { ...scanned, readBytes: null } : scanned;
  });
}

/** DuckDB hands out sorted runs of so many rows: a multiple of a row group, so that several threads keep the order. */
const rowsPerRun = 122_880;
const rowsPerFile = 4 * rowsPerRun;
/** DuckDB writes no row group that is smaller. */
const fewestPerGroup = 2_048;
/** Of a table of which nobody said how it is read: smaller row groups take longer to be read as a whole. */
const usualGroup = 12_288;
/** Of a slice, what may be read where its ends lie worst in their row groups. */
const mostRead = 1.25;

/** The rows of a row group: as many as slices allow. */
function groupFor(sliceRows: number | undefined): number {
  if (sliceRows === undefined) return usualGroup;
  for (let groups = 1; ; groups++) {
    const rows = rowsPerRun / groups;
    if (rows % fewestPerGroup !== 0) continue;
    const read = (Math.ceil(sliceRows / rows) + 1) * rows;
    if (rows === fewestPerGroup || read <= mostRead * sliceRows) return rows;
  }
}

/**
 * Integers are written as differences (DELTA_BINARY_PACKED) and hardly smaller by a dictionary or by zstd than by snappy, of
 * which one takes as long to write as two of the four columns of a scoring, the other a third longer to be read. Texts have
 * dictionaries of as many values as a byte can name: looking up each of more took a third of the time of writing.
 */
function encodingOf(schema: Schema): string {
  return schema.some(({ type }) => type === 'text')
    ? 'COMPRESSION zstd, COMPRESSION_LEVEL 1, DICTIONARY_SIZE_LIMIT 256'
    : 'COMPRESSION snappy, DICTIONARY_SIZE_LIMIT 1';
}

/**
 * Writes the rows of `select` to data files that no commit has added yet; to none if there are no rows. Resolves with the bytes
 * that were read for it.
 */
async function writeFiles(
  { objects, clock }: Tables,
  connection: DuckDBConnection,
  options: {
    readonly table: string;
    readonly schema: Schema;
    readonly select: string;
    readonly sortBy: readonly string[];
    readonly rowsPerGroup: number;
    readonly run: string | null;
    /** What learns of the files. */
    readonly footers: Footers | null;
  },
  added: AddFile[],
): Promise<number | null> {
  const { table, schema, select, sortBy, rowsPerGroup, run, footers } = options;
  const staged = await objects.stage();
  try {
    const before = await bytesReadByProcess();
    const written = await connection
      .runAndReadAll(
        `COPY (${select}) TO ${quoteText(staged)} (FORMAT parquet, PARQUET_VERSION V2, ${encodingOf(schema)},
         ROW_GROUP_SIZE ${rowsPerGroup}, ROW_GROUPS_PER_FILE ${rowsPerFile / rowsPerGroup}, RETURN_STATS)`,
      )
      .catch((error) => {
        throw new CallError('failed', `Table ${table}: rows were not derived: ${messageOf(error)}`, { cause: error });
      });
    const after = await bytesReadByProcess();
    const files = written
      .getRowObjectsJson()
      .filter(({ count }) => Number(count) > 0)
      .map((row) => ({ row, path: dataFileName(clock.nowUs()) }));
    await footers?.learn(
      connection,
      files.map(({ row, path }) => ({ name: fileName(table, path), path: String(row.filename) })),
    );
    // At once, as a disk makes several files durable in one go.
    const published = await Promise.allSettled(
      files.map(async ({ row, path }): Promise<AddFile> => {
        const rows = Number(row.count);
        const statistics = statisticsFrom(row.column_statistics as unknown as ColumnStatistics, schema, rows);
        checkValues(table, schema, statistics);
        await objects.publish(String(row.filename), fileName(table, path), 'by reference');
        return {
          path,
          partitionValues: {},
          size: Number(row.file_size_bytes),
          modificationTime: Math.floor(clock.nowUs() / 1000),
          dataChange: true,
          stats: JSON.stringify(statistics),
          ...tagsOf({ clusteredBy: sortBy }, run),
        };
      }),
    );
    for (const one of published) if (one.status === 'fulfilled') added.push(one.value);
    for (const one of published) if (one.status === 'rejected') throw one.reason;
    return before === null || after === null ? null : after - before;
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
