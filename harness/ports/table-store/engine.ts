/**
 * The DuckDB that writes and reads the Parquet files of one table store: in memory, opened at the first use, one
 * connection an operation, so that operations of the same process do not see each other's temporary tables.
 */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

export interface Engine {
  connect(): Promise<DuckDBConnection>;
  /** Calls `work` with a connection of its own. */
  use<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T>;
  run(sql: string): Promise<void>;
  /** The first column of the answer, which is text. */
  texts(sql: string): Promise<string[]>;
  close(): Promise<void>;
}

/** `spill`: a path for what does not fit into memory, created when needed. */
export function openEngine(options: { readonly threads: number; readonly spill: () => Promise<string> }): Engine {
  let instance: Promise<DuckDBInstance> | undefined;
  let closed = false;

  async function connect(): Promise<DuckDBConnection> {
    if (closed) throw new Error('The table store is closed; open another one.');
    instance ??= open(options.threads, options.spill);
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

async function open(threads: number, spill: () => Promise<string>): Promise<DuckDBInstance> {
  return DuckDBInstance.create(':memory:', {
    threads: String(threads),
    memory_limit: '768MB',
    temp_directory: await spill(),
    // The operating system caches files already, for all processes at once.
    enable_external_file_cache: 'false',
    autoinstall_known_extensions: 'false',
  });
}
