/** Derivations over rows in memory: the same SQL by the same engine, one thread of it, its tables filled first. */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { ColumnBatch, Schema } from '../../columns.js';
import { appendColumns, createTableSql, readColumns } from '../../duckdb-columns.js';
import {
  conditionOf,
  orderBy,
  plannerSettings,
  type Relations,
  referencedColumns,
  selectColumns,
} from '../derivation.js';
import type { RelationPredicate } from '../port.js';
import { bytesOfBatch, countRows, forEachRow, type RowHeap, type Rows } from './row-heap.js';
import { pagesOf, readRows } from './scan.js';

/** The rows of one relation. */
export type Source =
  | { readonly schema: Schema; readonly batches: Iterable<ColumnBatch> }
  | {
      readonly schema: Schema;
      readonly heap: RowHeap;
      readonly parts: readonly Rows[];
      readonly where: RelationPredicate | undefined;
    };

export interface Derived {
  readonly batches: readonly ColumnBatch[];
  /** Read, of all relations. */
  readonly rows: number;
  readonly bytes: number;
  readonly liveBytes: number;
  readonly requestedBytes: number;
}

/** `sortBy` null: in the order of the SQL, else by these columns first and then by all. */
export async function deriveRows(
  sources: Readonly<Record<string, Source>>,
  options: {
    readonly from: Relations;
    readonly sql: string;
    readonly schema: Schema;
    readonly sortBy: readonly string[] | null;
  },
): Promise<Derived> {
  const { from, sql, schema, sortBy } = options;
  const referenced = await withEngine({ ...plannerSettings }, (planner) => referencedColumns(planner, from, sql));
  return withEngine({}, async (connection) => {
    const read = { rows: 0, bytes: 0, liveBytes: 0, requestedBytes: 0 };
    for (const [name, source] of Object.entries(sources)) {
      await connection.run(createTableSql(name, source.schema, 'TEMP TABLE'));
      if ('batches' in source) {
        for (const batch of source.batches) {
          await appendColumns(connection, name, source.schema, batch);
          read.rows += batch.rows;
          read.bytes += bytesOfBatch(batch, source.schema);
        }
        continue;
      }
      conditionOf(source.where, source.schema);
      const filter = source.where && filterBy(source.where);
      const columns = referenced.get(name) as ReadonlySet<string>;
      const all = source.schema.map((column) => column.name);
      for (const page of pagesOf(source.parts)) {
        const wanted = filter ? filter.rows(source.heap, page) : page;
        const bytesOf = (rows: Rows) => source.heap.estimateBytes(columns, countRows(rows));
        // A page is what a row group is in a file: its bounds tell whether it is read.
        const requested = !filter || filter.mayHold(source.heap, page);
        read.rows += requested ? countRows(page) : 0;
        read.requestedBytes += requested ? bytesOf(page) : 0;
        read.liveBytes += bytesOf(wanted);
        if (countRows(wanted) > 0) {
          await appendColumns(connection, name, source.schema, readRows(source.heap, all, wanted));
        }
      }
    }
    const select = await selectColumns(connection, sql, schema);
    const order =
      sortBy === null
        ? ''
        : orderBy([...sortBy, ...schema.map(({ name }) => name).filter((name) => !sortBy.includes(name))], schema);
    const batches: ColumnBatch[] = [];
    for await (const batch of readColumns(connection, `${select}${order}`, schema)) batches.push(batch);
    return { ...read, bytes: read.bytes + read.requestedBytes, batches };
  });
}

interface Filter {
  rows(heap: RowHeap, page: Rows): Uint32Array;
  /** By the bounds of the page's values, which is all that a file would tell. */
  mayHold(heap: RowHeap, page: Rows): boolean;
}

function filterBy(where: RelationPredicate): Filter {
  const values = 'values' in where ? new Set(where.values) : null;
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = 'values' in where ? {} : where;
  const isWanted = (value: number) => (values ? values.has(value) : value >= from && value < to);
  return {
    rows(heap, page) {
      const column = heap.column(where.column);
      const found: number[] = [];
      forEachRow(page, (row) => {
        const value = column.at(row);
        if (value !== null && isWanted(value as number)) found.push(row);
      });
      return Uint32Array.from(found);
    },
    mayHold(heap, page) {
      const column = heap.column(where.column);
      let least = Number.POSITIVE_INFINITY;
      let greatest = Number.NEGATIVE_INFINITY;
      forEachRow(page, (row) => {
        const value = column.at(row) as number | null;
        if (value === null) return;
        least = Math.min(least, value);
        greatest = Math.max(greatest, value);
      });
      if (values === null) return least < to && greatest >= from;
      return Array.from(values).some((value) => value >= least && value <= greatest);
    },
  };
}

async function withEngine<T>(
  settings: Readonly<Record<string, string>>,
  work: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1', ...settings });
  const connection = await instance.connect();
  try {
    return await work(connection);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
