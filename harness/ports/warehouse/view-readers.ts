/**
 * Point reads of materialised views: a bounded pool of connections, and one queue in order of arrival.
 *
 * A statement costs DuckDB about the same for one key as for a dozen, so a reader that becomes free answers everything
 * that waits, up to a bound, by one statement: a queue that grows is worked off in larger steps. An idle pool answers
 * a call by a statement of its own, at once.
 */
import type {
  DuckDBConnection,
  DuckDBInstance,
  DuckDBMaterializedResult,
  DuckDBPreparedStatement,
} from '@duckdb/node-api';
import { CallError, messageOf } from '../../errors.js';
import { quoteIdentifier as quoted } from '../duckdb-columns.js';
import type { ViewRows } from './port.js';
import { isAgeColumn, viewItself, viewTable } from './view-refresh.js';

export interface ViewReaders {
  read(view: string, keys: readonly number[]): Promise<ViewRows>;
  /** Waits for the reads under way. */
  close(): Promise<void>;
}

interface Call {
  readonly view: string;
  readonly keys: readonly number[];
  readonly resolve: (rows: ViewRows) => void;
  readonly reject: (error: unknown) => void;
}

/** Calls share a statement up to this many keys; a call with more has a statement of its own. */
const sharedKeys = 256;

export async function openViewReaders(instance: DuckDBInstance, count: number): Promise<ViewReaders> {
  const queue: Call[] = [];
  const idle: Reader[] = [];
  const busy = new Set<Promise<void>>();
  for (let i = 0; i < count; i++) idle.push(openReader(await instance.connect()));

  const serveNext = () => {
    while (idle.length > 0 && queue.length > 0) {
      const reader = idle.pop()!;
      const served = serve(reader, takeCalls(queue)).then(() => {
        busy.delete(served);
        idle.push(reader);
        serveNext();
      });
      busy.add(served);
    }
  };

  return {
    read(view, keys) {
      const wrong = keys.find((key) => !Number.isSafeInteger(key) || key < 0);
      if (wrong !== undefined) throw new CallError('failed', `a key is an integer from 0, not ${wrong}`);
      return new Promise((resolve, reject) => {
        queue.push({ view, keys, resolve, reject });
        serveNext();
      });
    },
    async close() {
      while (busy.size > 0) await Promise.all(busy);
      for (const reader of idle) reader.close();
    },
  };
}

/** The first call of the queue, and those behind it that fit into its statement. */
function takeCalls(queue: Call[]): Call[] {
  const view = queue[0]!.view;
  let keys = 0;
  let calls = 0;
  while (calls < queue.length && queue[calls]!.view === view) {
    keys += queue[calls]!.keys.length;
    if (calls > 0 && keys > sharedKeys) break;
    calls++;
  }
  return queue.splice(0, calls);
}

/** Settles every call, never rejects. */
async function serve(reader: Reader, calls: readonly Call[]): Promise<void> {
  const view = calls[0]!.view;
  try {
    const found = await reader.find(
      view,
      calls.flatMap(({ keys }) => keys),
    );
    for (const { keys, resolve } of calls) {
      resolve({ asOfUs: found.asOfUs, rows: keys.map((key) => found.rows.get(key) ?? null) });
    }
  } catch (error) {
    for (const { reject } of calls) reject(new CallError('failed', messageOf(error), { cause: error }));
  }
}

interface Found {
  readonly asOfUs: number;
  readonly rows: ReadonlyMap<number, FoundRow>;
}
type FoundRow = NonNullable<ViewRows['rows'][number]>;

interface Reader {
  find(view: string, keys: readonly number[]): Promise<Found>;
  close(): void;
}

function openReader(connection: DuckDBConnection): Reader {
  const layouts = new Map<string, ViewLayout>();
  const statements = new Map<string, DuckDBPreparedStatement>();

  const layoutOf = async (view: string) => {
    const layout = layouts.get(view) ?? (await readLayout(connection, view));
    layouts.set(view, layout);
    return layout;
  };
  const statementFor = async (view: string, layout: ViewLayout, width: number) => {
    const name = `${width} ${view}`;
    const statement = statements.get(name) ?? (await connection.prepare(lookUpSql(view, layout, width)));
    statements.set(name, statement);
    return statement;
  };

  return {
    async find(view, keys) {
      const layout = await layoutOf(view);
      const width = widthFor(keys.length + 1);
      const statement = await statementFor(view, layout, width);
      for (let i = 0; i < width; i++) statement.bindBigInt(i + 1, BigInt(keys[i] ?? viewItself));
      return collect(layout, await statement.run());
    },
    close: () => connection.closeSync(),
  };
}

/** Statements are prepared for some numbers of keys; the view itself fills them up. */
function widthFor(keys: number): number {
  let width = 2;
  while (width < keys) width *= 2;
  return width;
}

function lookUpSql(view: string, { columns }: ViewLayout, width: number): string {
  const keys = Array.from({ length: width }, (_, i) => `$${i + 1}`).join(', ');
  return `SELECT ${columns.map(quoted).join(', ')} FROM ${viewTable(view)} WHERE customer IN (${keys})`;
}

interface ViewLayout {
  /** The entity, its last_seq, then the features. */
  readonly columns: readonly string[];
  /** Per feature, whether its column holds the time that it is the age of. */
  readonly isAge: readonly boolean[];
}

async function readLayout(connection: DuckDBConnection, view: string): Promise<ViewLayout> {
  const reader = await connection.runAndReadAll(
    `SELECT column_name FROM duckdb_columns() WHERE schema_name = 'views' AND table_name = $1 ORDER BY column_index`,
    [view],
  );
  const columns = reader.getRows().map(([name]) => String(name));
  if (columns.length === 0) throw new Error(`there is no view '${view}'; refresh it first`);
  return { columns, isAge: columns.slice(2).map(isAgeColumn) };
}

function collect({ isAge }: ViewLayout, result: DuckDBMaterializedResult): Found {
  const found: (number | null)[][] = [];
  for (let i = 0; i < result.chunkCount; i++) {
    for (const row of result.getChunk(i).getRows())
      found.push(row.map((value) => (value === null ? null : Number(value))));
  }
  const asOfUs = found.find(([entity]) => entity === viewItself)![1]!;
  const rows = new Map<number, FoundRow>();
  for (const [entity, lastSeq, ...columns] of found) {
    const features = columns.map((value, i) => (isAge[i] && value !== null ? asOfUs - value : value));
    rows.set(entity!, { lastSeq: lastSeq!, features });
  }
  return { asOfUs, rows };
}
