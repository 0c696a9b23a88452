/**
 * DuckDB, loaded by the process that opens something of it: it is 180 CommonJS files and a library of 60 MB, and most
 * processes of a run start without. It is required, since `import` would first search each of those files for the names
 * that it exports, which takes as long again as running them: a role that is killed is back that much sooner.
 */
import { createRequire } from 'node:module';
import type { DuckDBConnection } from '@duckdb/node-api';

const load = createRequire(import.meta.url);
let api: typeof import('@duckdb/node-api') | undefined;
let calls: typeof import('@duckdb/node-bindings') | undefined;

export function duckDb(): typeof import('@duckdb/node-api') {
  api ??= load('@duckdb/node-api') as typeof import('@duckdb/node-api');
  return api;
}

/** What the package above calls: the words of a vector as bytes, without an object a value. */
export function duckDbCalls(): typeof import('@duckdb/node-bindings') {
  calls ??= load('@duckdb/node-bindings') as typeof import('@duckdb/node-bindings');
  return calls;
}

/** Runs `work` with a DuckDB of its own in memory, closed afterwards. */
export async function withDuckDb<T>(work: (connection: DuckDBConnection) => Promise<T>, threads = 1): Promise<T> {
  const instance = await duckDb().DuckDBInstance.create(':memory:', { threads: String(threads) });
  try {
    const connection = await instance.connect();
    try {
      return await work(connection);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}
