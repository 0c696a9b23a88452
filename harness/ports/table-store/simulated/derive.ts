/** Derivations over rows in memory: the same SQL by the same engine, one thread of it, its tables filled first. */
import type { ColumnBatch, Schema } from '../../columns.js';
import { appendColumns, createTableSql, readColumns } from '../../duckdb-columns.js';
import { type Bounds, compareValues, mayMatch } from '../delta/statistics.js';
import { openPlans, orderBy, plannerSettings, type Relations } from '../derivation.js';
import { openEngine } from '../engine.js';
import type { Predicate } from '../port.js';
import { bytesOfBatch, countRows, forEachRow, type RowHeap, type Rows } from './row-heap.js';
import { filterBy, pagesOf, readRows } from './scan.js';

/** The rows of one relation. */
export type Source =
  | { readonly schema: Schema; readonly batches: Iterable<ColumnBatch> }
  | {
      readonly schema: Schema;
      readonly heap: RowHeap;
      readonly parts: readonly Rows[];
      readonly where: Predicate | undefined;
    };

export interface Derived {
  readonly batches: readonly ColumnBatch[];
  /** Read, of all relations. */
  readonly rows: number;
  readonly bytes: number;
  readonly liveBytes: number;
  readonly requestedBytes: number;
}

const options = { threads: 1, memory: '4GB', spill: async () => '' };
/**
 * Of all simulations in a process, each opened when it is first needed: to open one costs more than the SQL of a small
 * run, and nothing stays in it, since every table is a temporary one of its connection.
 */
const engine = openEngine(options);
const planOf = openPlans(openEngine({ ...options, settings: plannerSettings }));

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
  const planned = await planOf(from, sql, schema);
  return engine.use(async (connection) => {
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
      const { where } = source;
      const filter = where && filterBy(where);
      const matches = where && mayMatch(where);
      const columns = planned.referenced.get(name) as ReadonlySet<string>;
      const all = source.schema.map((column) => column.name);
      for (const page of pagesOf(source.parts)) {
        const wanted = filter ? filter(source.heap, page) : page;
        const bytesOf = (rows: Rows) => source.heap.estimateBytes(columns, countRows(rows));
        // A page is what a row group is in a file: its bounds tell whether it is read.
        const requested = !matches || mayHold(where, matches, source.heap, page);
        read.rows += requested ? countRows(page) : 0;
        read.requestedBytes += requested ? bytesOf(page) : 0;
        read.liveBytes += bytesOf(wanted);
        if (countRows(wanted) > 0) {
          await appendColumns(connection, name, source.schema, readRows(source.heap, all, wanted));
        }
      }
    }
    const order =
      sortBy === null
        ? ''
        : orderBy([...sortBy, ...schema.map(({ name }) => name).filter((name) => !sortBy.includes(name))], schema);
    const batches: ColumnBatch[] = [];
    for await (const batch of readColumns(connection, `${planned.select}${order}`, schema)) batches.push(batch);
    return { ...read, bytes: read.bytes + read.requestedBytes, batches };
  });
}

/** By the bounds of a page's values, which is all that a file would tell. */
function mayHold({ column: name }: Predicate, matches: (bounds: Bounds | null) => boolean, heap: RowHeap, page: Rows) {
  const column = heap.column(name);
  let bounds: { least: number | string; greatest: number | string } | null = null;
  forEachRow(page, (row) => {
    const value = column.at(row);
    if (value === null) return;
    bounds ??= { least: value, greatest: value };
    if (compareValues(value, bounds.least) < 0) bounds.least = value;
    if (compareValues(value, bounds.greatest) > 0) bounds.greatest = value;
  });
  return matches(bounds);
}
