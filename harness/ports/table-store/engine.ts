/**
 * The DuckDB that writes and reads the Parquet files of one table store: in memory, opened at the first use, one
 * connection an operation, so that operations of the same process do not see each other's temporary tables.
 */
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { duckDb } from '../duckdb.js';

export interface Engine {
  connect(): Promise<DuckDBConnection>;
  /** Calls `work` with a connection of its own. */
  use<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T>;
  run(sql: string): Promise<void>;
  /** The first column of the answer, which is text. */
  texts(sql: string): Promise<string[]>;
  close(): Promise<void>;
}

export interface EngineOptions {
  readonly threads: number;
  /** Of DuckDB's buffers: beyond it intermediate results are spilled. */
  readonly memory: string;
  /** A path for what does not fit into memory, created when needed. */
  readonly spill: () => Promise<string>;
  readonly settings?: Readonly<Record<string, string>>;
  /** Files never change and are read over and over: footers stay in memory, columns of a row group come in one read. */
  readonly rereads?: true;
}

export function openEngine(options: EngineOptions): Engine {
  // Before anything waits for it: loading stops the process for as long as it takes.
  duckDb();
  let instance: Promise<DuckDBInstance> | undefined;
  let closed = false;

  async function connect(): Promise<DuckDBConnection> {
    if (closed) throw new Error('The table store is closed; open another one.');
    instance ??= open(options);
    try {
      return await (await instance).connect();
    } catch (error) {
      instance = undefined;
      throw error;
    }
  }

  async function use<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const connection = await connect();
    try {
      return await work(connection);
    } finally {
      connection.closeSync();
    }
  }

  return {
    connect,
    use,
    run: (sql) =>
      use(async (connection) => {
        await connection.run(sql);
      }),
    texts: (sql) =>
      use(async (connection) => (await connection.runAndReadAll(sql)).getColumnsJS()[0]?.map(String) ?? []),
    async close() {
      closed = true;
      (await instance)?.closeSync();
    },
  };
}

async function open({ threads, memory, spill, settings, rereads }: EngineOptions): Promise<DuckDBInstance> {
  const instance = await duckDb().DuckDBInstance.create(':memory:', {
    threads: String(threads),
    memory_limit: memory,
    temp_directory: await spill(),
    // The operating system caches files already, for all processes at once.
    enable_external_file_cache: 'false',
    autoinstall_known_extensions: 'false',
    ...settings,
  });
  if (!rereads) return instance;
  const connection = await instance.connect();
  try {
    // Of the extension for Parquet, which is not there yet while an instance is being created.
    await connection.run('SET GLOBAL parquet_metadata_cache = true');
    await connection.run('SET GLOBAL prefetch_all_parquet_files = true');
  } finally {
    connection.closeSync();
  }
  return instance;
}
