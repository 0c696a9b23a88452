/** Statements on a DuckDB connection whose answers are small. */
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';

export async function execute(connection: DuckDBConnection, sql: string, values?: DuckDBValue[]): Promise<number> {
  const result = await connection.run(sql, values);
  return result.rowsChanged;
}

/** The first row of the answer, null if there is none. */
export async function queryRow(
  connection: DuckDBConnection,
  sql: string,
  values?: DuckDBValue[],
): Promise<DuckDBValue[] | null> {
  const reader = await connection.runAndReadAll(sql, values);
  return reader.getRows()[0] ?? null;
}

/**
 * Does `work` in one transaction: whole and durable when it resolves, and as if it had never begun when it rejects.
 */
export async function inTransaction<T>(connection: DuckDBConnection, work: () => Promise<T>): Promise<T> {
  await connection.run('BEGIN');
  let result: T;
  try {
    result = await work();
    await connection.run('COMMIT');
  } catch (error) {
    // A failed commit has rolled back already.
    await connection.run('ROLLBACK').catch(() => {});
    throw error;
  }
  return result;
}
