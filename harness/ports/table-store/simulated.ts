/** Tables in the memory of a simulated run: the rules of the Delta tables without their log, their Parquet or a disk. */
import type { Clock } from '../../clock.js';
import type { Resource } from '../../simulation/resource.js';
import type { ColumnBatch, Schema } from '../columns.js';
import { encodeSchema } from './delta/schema-string.js';
import type { CountRequest } from './object-requests.js';
import type { AppendResult, FoldResult, FoldSpec, ScanQuery, Snapshot, TableStore, Txn } from './port.js';
import { commitCompaction, planCompaction } from './simulated/compact.js';
import { commitFold, discardFold, holds, planFold } from './simulated/fold.js';
import { pagesOfParquet } from './simulated/parquet.js';
import { followRequests } from './simulated/requests.js';
import { bytesOfBatch, countRows } from './simulated/row-heap.js';
import { filterBy, pagesOf, readRows } from './simulated/scan.js';
import { draftFile, expectPresent, type Replacement, rowsOf, type StoredFile, Table } from './simulated/table.js';

export interface SimulatedTableStore extends TableStore {
  /** The tables as a process has them: its requests to an object store are counted, its files tell of its run. */
  connect(onRequest: CountRequest, run?: string | undefined): TableStore;
  /** The texts that it holds, each at least once. */
  stored(): Iterable<string>;
}

/** `parquet`: all columns of a file that was read before the run. */
export function simulateTableStore(options: {
  readonly clock: Clock;
  readonly resource: Resource;
  readonly parquet: (path: string) => readonly ColumnBatch[];
}): SimulatedTableStore {
  const { clock, resource, parquet } = options;
  const tables = new Map<string, Table>();
  const filesOfSnapshot = new WeakMap<Snapshot, readonly StoredFile[]>();

  function existing(name: string): Table {
    const table = tables.get(name);
    if (table) return table;
    throw new Error(`There is no table ${name}; create it first.`);
  }

  return {
    ...connect(() => {}),
    connect,
    *stored() {
      for (const [name, table] of tables) {
        yield name;
        yield* table.texts();
      }
    },
  };

  function connect(onRequest: CountRequest, runId?: string | undefined): TableStore {
    const run = runId ?? null;
    const requests = followRequests(onRequest);

    function rewritten(replacements: readonly Replacement[], readsOfEach: number): void {
      for (const { removed, added } of replacements) {
        requests.ask('get', readsOfEach * removed.length);
        requests.ask('put', added === null ? 0 : 1);
      }
    }

    async function create(name: string, schema: Schema): Promise<void> {
      await resource.use('create', 0, 0);
      if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) {
        throw new Error(`${name} is no name for a table: use a letter, then letters, digits and underscores.`);
      }
      const known = tables.get(name);
      const table = known ?? new Table(name, structuredClone(schema));
      if (known) requests.open(table);
      else requests.create(table);
      tables.set(name, table);
      if (encodeSchema(table.schema) !== encodeSchema(schema)) {
        throw new Error(
          `Table ${name} exists with the schema ${encodeSchema(table.schema)}, not with ${encodeSchema(schema)}.`,
        );
      }
    }

    /** The rows are copied at once, as the caller may use its columns again; without a commit they are given back. */
    async function append(name: string, rows: ColumnBatch, txns: readonly Txn[]): Promise<AppendResult> {
      const table = existing(name);
      requests.open(table);
      const refused = table.isRecorded(txns);
      if (refused || rows.rows === 0) {
        await resource.use('append', 0, 0);
        if (refused || txns.length === 0 || table.isRecorded(txns)) {
          if (txns.length > 0) requests.refuse(table, rows.rows > 0 ? 1 : 0);
          return { committed: false, version: table.version };
        }
        table.commit([], txns, clock.nowUs(), run);
        requests.commit(table);
        return { committed: true, version: table.version };
      }
      const recorded = txns.map((txn) => ({ ...txn }));
      const written = table.heap.append(rows);
      const bytes = table.heap.bytesOf(written);
      await resource.use('append', rows.rows, bytes);
      if (table.isRecorded(recorded)) {
        requests.refuse(table, 1);
        table.heap.discard(written);
        return { committed: false, version: table.version };
      }
      const added = draftFile({
        bytes,
        rows: countRows(written),
        content: [written],
        sortedBy: [],
        dataChange: true,
      });
      requests.ask('put', 1);
      table.commit([{ removed: [], added }], recorded, clock.nowUs(), run);
      requests.commit(table);
      return { committed: true, version: table.version };
    }

    async function snapshot(name: string, version?: number): Promise<Snapshot> {
      await resource.use('snapshot', 0, 0);
      const table = existing(name);
      const at = version ?? table.version;
      if (version === undefined) requests.refresh(table);
      else requests.goBack(table, version);
      const files = table.filesAt(at);
      const taken: Snapshot = {
        table: name,
        version: at,
        schema: table.schema,
        files: files.map(({ path, bytes, rows, run: writtenBy }) => ({ path, bytes, rows, run: writtenBy })),
      };
      filesOfSnapshot.set(taken, files);
      return taken;
    }

    async function* scan(taken: Snapshot, query: ScanQuery): AsyncIterable<ColumnBatch> {
      const { columns, since, where } = query;
      const table = existing(taken.table);
      const read = where ? new Set([...columns, where.column]) : columns;
      for (const name of read) expectColumn(table, name);
      const files =
        since === undefined
          ? expectPresent(
              table,
              filesOfSnapshot.get(taken) ?? table.filesAt(taken.version),
              `of version ${taken.version}`,
            )
          : expectPresent(table, table.filesAdded(since, taken.version), `added after version ${since}`);
      if (since !== undefined) requests.ask('get', taken.version - since);
      if (files.some((file) => !table.isLive(file))) requests.ask('list', 1);
      requests.ask('get', files.length);
      // From here on its files are open: vacuum does not take their rows away.
      const parts = where?.values.length === 0 ? [] : rowsOf(files);
      if (parts.length === 0) await resource.use('scan', 0, 0);
      const filter = where && filterBy(where);
      for (const page of pagesOf(parts)) {
        const rows = countRows(page);
        await resource.use('scan', rows, table.heap.estimateBytes(read, rows));
        const wanted = filter ? filter(table.heap, page) : page;
        if (countRows(wanted) > 0) yield readRows(table.heap, columns, wanted);
      }
    }

    async function fold(spec: FoldSpec): Promise<FoldResult> {
      const from = existing(spec.from);
      const into = existing(spec.into);
      let planned = planFold(from, into, spec);
      await resource.use('fold', planned.rows, planned.bytes);
      if (!holds(into, planned)) {
        discardFold(into, planned);
        planned = planFold(from, into, spec);
      }
      requests.refresh(from);
      requests.refresh(into);
      requests.ask('get', from.version - (into.txns.get(planned.appId) ?? -1));
      const folded = commitFold(into, planned, clock.nowUs(), run);
      if (planned.rewrite) {
        requests.ask('get', planned.news);
        // Once for the keys that it holds, once for the rows that stay.
        rewritten(planned.rewrite.replacements, 2);
        requests.commit(into);
      }
      return folded;
    }

    return {
      create,
      append,
      async txns(name) {
        await resource.use('txns', 0, 0);
        requests.refresh(existing(name));
        return new Map(existing(name).txns);
      },
      snapshot,
      scan,
      fold,
      async compact(name, sizes) {
        const table = existing(name);
        const planned = planCompaction(table, sizes);
        await resource.use('compact', planned.rows, planned.bytes);
        const before = table.version;
        requests.refresh(table);
        const compacted = commitCompaction(table, planned, clock.nowUs(), run);
        rewritten(planned.replacements, 1);
        if (table.version > before) requests.commit(table);
        return compacted;
      },
      async vacuum(name, { retainUs }) {
        const table = existing(name);
        await resource.use('vacuum', 0, 0);
        requests.ask('list', 1);
        requests.refresh(table);
        const unused = table.unusedFiles(clock.nowUs() - retainUs);
        table.forget(unused);
        requests.ask('delete', unused.length);
        return { deletedFiles: unused.length, deletedBytes: unused.reduce((sum, { bytes }) => sum + bytes, 0) };
      },
      async *readParquet(path, schema) {
        for (const page of pagesOfParquet(path, parquet(path), schema)) {
          await resource.use('readParquet', page.rows, bytesOfBatch(page, schema));
          yield page;
        }
      },
      async tables() {
        await resource.use('tables', 0, 0);
        requests.ask('list', 1 + tables.size);
        return Array.from(tables.keys()).sort();
      },
      async close() {},
    };
  }
}

function expectColumn({ name: table, schema }: Table, name: string): void {
  if (schema.some((column) => column.name === name)) return;
  throw new Error(`Table ${table} has no column ${name}; it has ${schema.map((c) => c.name).join(', ')}.`);
}
