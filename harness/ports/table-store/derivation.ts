/** What every variant makes of the SQL of a derivation: names it reads, columns that come out, rows that are asked for. */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Schema } from '../columns.js';
import { createTableSql, quoteIdentifier } from '../duckdb-columns.js';
import type { Engine } from './engine.js';
import type { Relation } from './port.js';

export type Relations = Readonly<Record<string, Relation>>;

export function schemaOf(relation: Relation): Schema {
  return 'parquet' in relation ? relation.schema : relation.snapshot.schema;
}

/** Whole numbers, which all fit or fail to be cast; sums of int columns are HUGEINT. */
const integers = /^(U?(TINYINT|SMALLINT|INTEGER|BIGINT)|HUGEINT)$/;

/**
 * A SELECT of the columns of `schema`, by name and in their types, from what `sql` answers. The names that `sql` refers
 * to must be there. What is no integer is not rounded by accident: there are no floating-point columns.
 */
export async function selectColumns(connection: DuckDBConnection, sql: string, schema: Schema): Promise<string> {
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM (${sql})`);
  const types = new Map(described.getRowsJson().map(([name, type]) => [String(name), String(type)]));
  const columns = schema.map(({ name, type }) => {
    const found = types.get(name);
    if (found === undefined) {
      throw new Error(`The SQL answers no column ${name}; it has ${Array.from(types.keys()).join(', ')}.`);
    }
    if (type === 'int' ? !integers.test(found) : found !== 'VARCHAR') {
      throw new Error(
        `The SQL answers column ${name} as ${found} where ${type} was expected; cast it to ${type === 'int' ? 'BIGINT' : 'VARCHAR'} there.`,
      );
    }
    return type === 'int' && found !== 'BIGINT'
      ? `${quoteIdentifier(name)}::BIGINT AS ${quoteIdentifier(name)}`
      : quoteIdentifier(name);
  });
  const unknown = Array.from(types.keys()).filter((name) => !schema.some((column) => column.name === name));
  if (unknown.length > 0) {
    throw new Error(
      `The SQL answers ${unknown.join(', ')}, for which there is no column; expected ${schema.map(({ name }) => name).join(', ')}.`,
    );
  }
  return `SELECT ${columns.join(', ')} FROM (${sql})`;
}

export function orderBy(columns: readonly string[], schema: Schema): string {
  for (const name of columns) expectColumn(name, schema);
  return columns.length === 0 ? '' : ` ORDER BY ${columns.map(quoteIdentifier).join(', ')}`;
}

export function expectColumn(name: string, schema: Schema): void {
  if (schema.some((column) => column.name === name)) return;
  throw new Error(`There is no column ${name}; there are ${schema.map((column) => column.name).join(', ')}.`);
}

export function partitionedInto(table: string): string {
  return `Table ${table} is partitioned, and rows are derived into tables that are not; create one for them.`;
}

export function viewSql(name: string, source: string, schema: Schema, condition: string): string {
  const columns = schema.map((column) => quoteIdentifier(column.name)).join(', ');
  const where = condition === '' ? '' : ` WHERE ${condition}`;
  return `CREATE TEMP VIEW ${quoteIdentifier(name)} AS SELECT ${columns} FROM ${source}${where}`;
}

/** Rewrites of a plan after which a column is read only if the SQL refers to it, and every such column is. */
export const plannerSettings = { disabled_optimizers: 'filter_pushdown,statistics_propagation' } as const;

/**
 * The columns of each relation that `sql` refers to, as the planner of an engine with `plannerSettings` tells over empty
 * tables of these names, and those that tell which rows are asked for.
 */
async function referencedColumns(
  planner: DuckDBConnection,
  from: Relations,
  sql: string,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const referenced = new Map<string, Set<string>>();
  for (const [name, relation] of Object.entries(from)) {
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) {
      throw new Error(`${name} is no name for a relation: use a letter, then letters, digits and underscores.`);
    }
    referenced.set(name, new Set('snapshot' in relation && relation.where ? [relation.where.column] : []));
    await planner.run(createTableSql(name, schemaOf(relation), 'TEMP TABLE'));
  }
  const explained = await planner.runAndReadAll(`EXPLAIN (FORMAT json) ${sql}`);
  const visit = (node: PlanNode) => {
    const { Table: table, Projections: projections = [] } = node.extra_info ?? {};
    const name = table && /\.main\."?(.*?)"?$/.exec(table)?.[1];
    const columns = name === undefined ? undefined : referenced.get(name);
    for (const column of typeof projections === 'string' ? [projections] : projections) columns?.add(column);
    node.children?.forEach(visit);
  };
  (JSON.parse(String(explained.getRowsJson()[0]?.[1])) as PlanNode[]).forEach(visit);
  return referenced;
}

interface PlanNode {
  readonly children?: readonly PlanNode[];
  readonly extra_info?: { readonly Table?: string; readonly Projections?: string | readonly string[] };
}

export interface Plan {
  readonly referenced: ReadonlyMap<string, ReadonlySet<string>>;
  /** What `sql` answers, as columns of the schema. */
  readonly select: string;
}

export type PlanOf = (from: Relations, sql: string, schema: Schema) => Promise<Plan>;

const mostPlans = 1_000;

/** Of an engine with `plannerSettings`. What it says of the same SQL over the same columns is asked once: jobs repeat themselves. */
export function openPlans(planner: Engine): PlanOf {
  const plans = new Map<string, Promise<Plan>>();
  return (from, sql, schema) => {
    const relations = Object.entries(from).map(([name, relation]) => [
      name,
      schemaOf(relation),
      'snapshot' in relation ? (relation.where?.column ?? null) : null,
    ]);
    const key = JSON.stringify([relations, sql, schema]);
    const known = plans.get(key);
    if (known) return known;
    if (plans.size >= mostPlans) plans.clear();
    const plan = planner.use(async (connection) => ({
      referenced: await referencedColumns(connection, from, sql),
      select: await selectColumns(connection, sql, schema),
    }));
    plans.set(key, plan);
    plan.catch(() => plans.delete(key));
    return plan;
  };
}
