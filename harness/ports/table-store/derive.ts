/** Temporary stand-in for the derivation of branch `derive`, so that the batch half can be run. */
import { readFileSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { ColumnBatch, Schema } from '../columns.js';
import { quoteIdentifier, quoteText, readColumns } from '../duckdb-columns.js';
import { commitFiles, existing, filesOf, removalOf, rowsOf, type Tables, writeDataFile } from './data-files.js';
import { type AddFile, commitInfo, setTransaction } from './delta/actions.js';
import { statisticsOf } from './delta/statistics.js';
import type { DeriveResult, DeriveSpec, Relation, Scanned } from './port.js';

export async function derive(tables: Tables, spec: DeriveSpec): Promise<DeriveResult> {
  const seen = existing(spec.into, await tables.log(spec.into).lastSeen());
  const recorded = (state: typeof seen) =>
    spec.txns.some(({ appId, version }) => (state.txns.get(appId)?.version ?? Number.NEGATIVE_INFINITY) >= version);
  const nothing = { rows: 0, files: 0, bytes: 0, scanned: { liveBytes: 0, requestedBytes: 0, readBytes: null } };
  if (recorded(seen)) return { committed: false, version: seen.version, ...nothing };
  return tables.engine.use(async (connection) => {
    await connection.run('SET threads=2');
    const before = rchar();
    const scanned = await bindRelations(tables, connection, spec.from);
    const order = spec.sortBy ? ` ORDER BY ${spec.sortBy.map(quoteIdentifier).join(', ')}` : '';
    const added: AddFile[] = [
      await writeDataFile(tables, connection, spec.into, seen.schema, `${spec.sql}${order}`, { dataChange: true }),
    ];
    const readBytes = rchar() - before;
    const result = await commitFiles(tables, spec.into, added, (state) => {
      if (recorded(state)) return null;
      const nowUs = tables.clock.nowUs();
      const removed = spec.mode === 'replace' ? Array.from(state.files.values()) : [];
      return [
        commitInfo(nowUs, 'WRITE', { mode: 'Overwrite' }),
        ...spec.txns.map(({ appId, version }) => setTransaction(nowUs, appId, version)),
        ...removed.map((file) => ({ remove: removalOf(file, true, nowUs) })),
        ...added.map((add) => ({ add })),
      ];
    });
    return {
      ...result,
      rows: statisticsOf(added[0]!)?.numRecords ?? 0,
      files: 1,
      bytes: added[0]!.size,
      scanned: { ...scanned, readBytes },
    };
  });
}

export async function* query(
  tables: Tables,
  spec: { from: Readonly<Record<string, Relation>>; sql: string; schema: Schema },
): AsyncIterable<ColumnBatch> {
  const connection = await tables.engine.connect();
  try {
    await bindRelations(tables, connection, spec.from);
    yield* readColumns(connection, spec.sql, spec.schema);
  } finally {
    connection.closeSync();
  }
}

async function bindRelations(
  tables: Tables,
  connection: DuckDBConnection,
  from: Readonly<Record<string, Relation>>,
): Promise<Scanned> {
  let bytes = 0;
  for (const [name, relation] of Object.entries(from)) {
    let source: string;
    let where = '';
    if ('parquet' in relation) source = `read_parquet([${relation.parquet.map(quoteText).join(', ')}])`;
    else {
      const { table, version } = relation.snapshot;
      const state = await tables.log(table).at(version);
      const files = await filesOf(tables, table, state);
      bytes += files.reduce((sum, file) => sum + file.size, 0);
      source =
        files.length === 0
          ? `(SELECT ${state.schema.map((c) => `NULL::${c.type === 'int' ? 'BIGINT' : 'VARCHAR'} AS ${quoteIdentifier(c.name)}`).join(', ')} WHERE false)`
          : await rowsOf(tables, table, files);
      if (relation.where && 'from' in relation.where)
        where = ` WHERE ${relation.where.column} >= ${relation.where.from} AND ${relation.where.column} < ${relation.where.to}`;
    }
    await connection.run(`CREATE OR REPLACE TEMP VIEW ${quoteIdentifier(name)} AS SELECT * FROM ${source}${where}`);
  }
  return { liveBytes: bytes, requestedBytes: bytes, readBytes: null };
}

function rchar(): number {
  return Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}
