/** Queries over the tables and views in memory, by the same engine and SQL as the warehouse has: its tables are filled first. */
import { CallError, messageOf } from '../../../errors.js';
import type { ColumnBatch, Schema } from '../../columns.js';
import { deriveRows, type Source } from '../../table-store/simulated/derive.js';
import { pagesOfParquet } from '../../table-store/simulated/parquet.js';
import type { Query, Relation } from '../port.js';
import { type MaterialisedView, readRow } from './materialised-view.js';
import { cutPages, readPage, type StoredTable } from './stored-table.js';

export interface Readable {
  tableOf(name: string): StoredTable;
  /** Throws if it was never refreshed. */
  viewOf(name: string): MaterialisedView & { readonly asOfUs: number };
  parquet(path: string): readonly ColumnBatch[];
}

export interface Answer {
  readonly batches: readonly ColumnBatch[];
  /** What was read for it. */
  readonly rows: number;
  readonly bytes: number;
}

/** Of what there is when it is called. */
export async function answer(readable: Readable, { from, sql }: Query, schema: Schema): Promise<Answer> {
  try {
    const sources = Object.fromEntries(
      Object.entries(from).map(([name, relation]) => [name, sourceOf(readable, relation)]),
    );
    const relations = Object.fromEntries(
      Object.entries(sources).map(([name, source]) => [name, { parquet: [], schema: source.schema }]),
    );
    return await deriveRows(sources, { from: relations, sql, schema, sortBy: null });
  } catch (error) {
    throw error instanceof CallError ? error : new CallError('failed', messageOf(error), { cause: error });
  }
}

function sourceOf(readable: Readable, relation: Relation): Source {
  if ('table' in relation) {
    const table = readable.tableOf(relation.table);
    const columns = table.schema.map(({ name }) => name);
    const batches = firstRows(
      cutPages(table)
        .filter(({ rows }) => rows > 0)
        .map((page) => readPage(page, columns)),
      relation.rows ?? Number.POSITIVE_INFINITY,
    );
    return { schema: table.schema, batches };
  }
  if ('parquet' in relation) {
    const { schema } = relation;
    return {
      schema,
      batches: relation.parquet.flatMap((path) => [...pagesOfParquet(path, readable.parquet(path), schema)]),
    };
  }
  return servedRows(relation.view.features, readable.viewOf(relation.view.name));
}

function firstRows(batches: readonly ColumnBatch[], rows: number): ColumnBatch[] {
  const first: ColumnBatch[] = [];
  for (const batch of batches) {
    const left = rows - first.reduce((sum, { rows: taken }) => sum + taken, 0);
    if (left <= 0) break;
    first.push({ ...batch, rows: Math.min(left, batch.rows) });
  }
  return first;
}

function servedRows(features: readonly { readonly name: string }[], view: ReturnType<Readable['viewOf']>): Source {
  const int = (name: string) => ({ name, type: 'int', nullable: true }) as const;
  const own = ['customer', 'last_seq', 'as_of_us'];
  const customers = [...view.entities.keys()];
  const rows = customers.map((customer) => readRow(view, customer));
  const columns: [string, (number | null)[]][] = [
    ['customer', customers],
    ['last_seq', rows.map((row) => row!.lastSeq)],
    ['as_of_us', rows.map(() => view.asOfUs)],
    ...features.map(({ name }, i): [string, (number | null)[]] => [name, rows.map((row) => row!.features[i]!)]),
  ];
  return {
    schema: [...own, ...features.map(({ name }) => name)].map(int),
    batches: rows.length === 0 ? [] : [{ rows: rows.length, columns: Object.fromEntries(columns) }],
  };
}
