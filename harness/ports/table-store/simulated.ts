/** Tables in the memory of a simulated run: the rules of the Delta tables without their log, their Parquet or a disk. */
import type { Clock } from '../../clock.js';
import { CallError } from '../../errors.js';
import type { Resource } from '../../simulation/resource.js';
import type { ColumnBatch, Schema } from '../columns.js';
import { encodeSchema } from './delta/schema-string.js';
import { mayMatch } from './delta/statistics.js';
import { partitionedInto } from './derivation.js';
import { expectSameTable, fillIn, refusalOf } from './evolution.js';
import { checkLayout } from './layout.js';
import type { CountRequest } from './object-requests.js';
import { pinnedVersion } from './pins.js';
import type {
  AppendResult,
  DeriveResult,
  DeriveSpec,
  FoldResult,
  FoldSpec,
  KeyedWrite,
  QuerySpec,
  ScanQuery,
  Snapshot,
  SnapshotTime,
  TableLayout,
  TableStore,
  Tier,
  Txn,
} from './port.js';
import { checkPredicate, columnOf } from './predicate.js';
import { boundsIn } from './simulated/bounds.js';
import { commitCompaction, planCompaction } from './simulated/compact.js';
import { deriveRows, type Source } from './simulated/derive.js';
import { commitFold, discardFold, holds, planFold } from './simulated/fold.js';
import { pagesOfParquet } from './simulated/parquet.js';
import { followRequests } from './simulated/requests.js';
import { bytesOfBatch, countRows, type RowRange } from './simulated/row-heap.js';
import { filterBy, pagesOf, readRows } from './simulated/scan.js';
import {
  draftFile,
  expectPresent,
  foldersOf,
  type Replacement,
  rowsOf,
  type StoredFile,
  Table,
} from './simulated/table.js';
import { commitTiering, planTiering } from './simulated/tier.js';
import { commitUpsert, planUpsert } from './simulated/upsert.js';
import { checkPolicy, toldEveryUs } from './tier-policy.js';

export interface SimulatedTableStore extends TableStore {
  /** The tables as a process has them: by its clock, its requests to an object store counted, its files of its run. */
  connect(clock: Clock, onRequest: CountRequest, run?: string | undefined): TableStore;
  /** The texts that it holds, each at least once. */
  stored(): Iterable<string>;
  /** Of all files that are there, also of those that only old versions refer to. */
  storedBytes(): Readonly<Record<Tier, number>>;
}

/** `parquet`: all columns of a file that was read before the run. `host` does what takes real time while virtual time stands still. */
export function simulateTableStore(options: {
  readonly clock: Clock;
  readonly resource: Resource;
  readonly parquet: (path: string) => readonly ColumnBatch[];
  readonly host: <T>(work: () => Promise<T>) => Promise<T>;
}): SimulatedTableStore {
  const { resource, parquet, host } = options;
  const tables = new Map<string, Table>();
  const filesOfSnapshot = new WeakMap<Snapshot, readonly StoredFile[]>();

  function existing(name: string): Table {
    const table = tables.get(name);
    if (table) return table;
    throw new Error(`There is no table ${name}; create it first.`);
  }

  return {
    ...connect(options.clock, () => {}),
    connect,
    *stored() {
      for (const [name, table] of tables) {
        yield name;
        yield* table.texts();
      }
    },
    storedBytes() {
      const bytes = { hot: 0, warm: 0, cold: 0 };
      for (const table of tables.values()) for (const file of table.storedFiles()) bytes[file.tier] += file.bytes;
      return bytes;
    },
  };

  function connect(clock: Clock, onRequest: CountRequest, runId?: string | undefined): TableStore {
    const run = runId ?? null;
    const requests = followRequests(onRequest);
    /** When this process has last told that it read a file. */
    const told = new WeakMap<StoredFile, number>();

    /** By the rule of read-times.ts; what is told of its own reads by each process is one time of the file here. */
    function noteReads(table: Table, files: readonly StoredFile[]): void {
      if (table.policy === null || files.length === 0) return;
      const nowUs = clock.nowUs();
      const isOld = (file: StoredFile) =>
        (told.get(file) ?? Number.NEGATIVE_INFINITY) <= nowUs - toldEveryUs(table.policy!);
      if (!files.some(isOld)) return;
      for (const file of files) {
        told.set(file, nowUs);
        file.usedUs = Math.max(file.usedUs, nowUs);
      }
      requests.ask('put', 1);
      table.tellers.add(requests);
    }

    function rewritten(replacements: readonly Replacement[], readsOfEach: number): void {
      for (const { removed, added } of replacements) {
        requests.ask('get', readsOfEach * removed.length);
        requests.ask('put', added === null ? 0 : 1);
      }
    }

    async function create(name: string, schema: Schema, layout: TableLayout = {}): Promise<void> {
      await resource.use('create', 0, 0);
      if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) {
        throw new Error(`${name} is no name for a table: use a letter, then letters, digits and underscores.`);
      }
      checkLayout(name, schema, layout);
      const known = tables.get(name);
      const table = known ?? new Table(name, structuredClone(schema), structuredClone(layout), clock.nowUs());
      if (known) requests.open(table);
      else requests.create(table);
      tables.set(name, table);
      expectSameTable(name, { schema, layout }, table);
    }

    async function evolve(name: string, schema: Schema): Promise<number> {
      await resource.use('evolve', 0, 0);
      const table = existing(name);
      requests.open(table);
      if (encodeSchema(schema) === encodeSchema(table.schema)) return table.version;
      const refusal = refusalOf(table.schema, schema);
      if (refusal !== null) throw new Error(`Table ${name} cannot get this schema: ${refusal}.`);
      table.commit([], [], clock.nowUs(), run, structuredClone(schema));
      requests.commit(table);
      return table.version;
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
      const { schema } = table;
      const written = table.append(fillIn(name, rows, schema));
      const bytes = table.heap.bytesOf(written);
      await resource.use('append', rows.rows, bytes);
      const refusal = refusalOf(schema, table.schema);
      if (refusal !== null || table.isRecorded(recorded)) {
        requests.refuse(table, 1);
        table.heap.discard(written);
        if (refusal === null) return { committed: false, version: table.version };
        throw new CallError(
          'failed',
          `Table ${name} got another schema while rows were appended (${refusal}); append them again.`,
        );
      }
      const files = appendedFiles(table, written, bytes);
      requests.ask('put', files.length);
      const replacements = files.map((added) => ({ removed: [], added }));
      table.commit(replacements, recorded, clock.nowUs(), run);
      requests.commit(table);
      return { committed: true, version: table.version };
    }

    async function upsertRows(
      operation: 'upsert' | 'remove',
      name: string,
      rows: ColumnBatch,
      options: KeyedWrite,
    ): Promise<AppendResult> {
      const table = existing(name);
      const txns = options.txns.map((txn) => ({ ...txn }));
      // Of the schema that the table has then.
      const plan = () => {
        const filled = operation === 'upsert' ? fillIn(name, rows, table.schema) : rows;
        return planUpsert(table, filled, options, operation === 'remove');
      };
      if (table.isRecorded(txns)) {
        await resource.use(operation, 0, 0);
        requests.refresh(table);
        return { committed: false, version: table.version };
      }
      let planned = plan();
      await resource.use(operation, planned.rows, planned.bytes);
      requests.refresh(table);
      if (table.version !== planned.version) {
        if (planned.written) table.heap.discard(planned.written);
        if (table.isRecorded(txns)) return { committed: false, version: table.version };
        planned = plan();
      }
      const result = commitUpsert(table, planned, txns, clock.nowUs(), options.run ?? run);
      rewritten(planned.replacements, 2);
      if (result.committed) requests.commit(table);
      return result;
    }

    async function snapshot(name: string, wanted?: SnapshotTime): Promise<Snapshot> {
      await resource.use('snapshot', 0, 0);
      const table = existing(name);
      const at = versionOf(table, wanted);
      if (wanted === undefined) requests.refresh(table);
      else requests.goBack(table, at);
      const files = table.filesAt(at);
      const taken: Snapshot = {
        table: name,
        version: at,
        schema: table.schemaAt(at),
        files: files.map(({ path, bytes, rows, tier, hotBytes, run: writtenBy }) => {
          return { path, bytes, rows, tier, hotBytes, run: writtenBy };
        }),
      };
      filesOfSnapshot.set(taken, files);
      return taken;
    }

    async function* scan(taken: Snapshot, query: ScanQuery): AsyncIterable<ColumnBatch> {
      const { columns, since, where } = query;
      const table = existing(taken.table);
      const read = where ? new Set([...columns, where.column]) : columns;
      const schema = table.schemaAt(taken.version);
      for (const name of read) columnOf(table.name, schema, name);
      if (where) checkPredicate(table.name, schema, where);
      const all =
        since === undefined
          ? expectPresent(
              table,
              filesOfSnapshot.get(taken) ?? table.filesAt(taken.version),
              `of version ${taken.version}`,
            )
          : expectPresent(table, table.filesAdded(since, taken.version), `added after version ${since}`);
      if (since !== undefined) requests.ask('get', taken.version - since);
      requests.ask('list', foldersOf(all.filter((file) => !table.isLive(file))));
      const mayHold = where && mayMatch(where);
      const files = mayHold ? all.filter((file) => mayHold(boundsIn(table, file, where.column))) : all;
      noteReads(table, files);
      requests.ask('get', files.length);
      // From here on its files are open: vacuum does not take their rows away.
      const parts = rowsOf(files);
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
      const before = into.version;
      const folded = commitFold(into, planned, clock.nowUs(), run);
      if (planned.rewrite) {
        requests.ask('get', planned.news);
        // Once for the keys that it holds, once for the rows that stay.
        rewritten(planned.rewrite.replacements, 2);
      }
      if (folded.version !== before) requests.commit(into);
      return folded;
    }

    /** Of rows that are there when it is called; vacuum does not take them away. */
    function sourcesOf(from: QuerySpec['from']): Record<string, Source> {
      const sources: Record<string, Source> = {};
      for (const [name, relation] of Object.entries(from)) {
        if ('parquet' in relation) {
          const { schema } = relation;
          const batches = relation.parquet.flatMap((path) => Array.from(pagesOfParquet(path, parquet(path), schema)));
          sources[name] = { schema, batches };
          continue;
        }
        const { snapshot: taken, where } = relation;
        const table = existing(taken.table);
        const files = expectPresent(
          table,
          filesOfSnapshot.get(taken) ?? table.filesAt(taken.version),
          `of version ${taken.version}`,
        );
        requests.goBack(table, taken.version);
        requests.ask('list', foldersOf(files.filter((file) => !table.isLive(file))));
        noteReads(table, files);
        requests.ask('get', files.length);
        if (where) checkPredicate(taken.table, taken.schema, where);
        sources[name] = { schema: taken.schema, heap: table.heap, parts: rowsOf(files), where };
      }
      return sources;
    }

    async function derive(spec: DeriveSpec): Promise<DeriveResult> {
      const { from, sql, sortBy = [], mode } = spec;
      const table = existing(spec.into);
      requests.open(table);
      if (table.isPartitioned()) throw new Error(partitionedInto(spec.into));
      const txns = spec.txns.map((txn) => ({ ...txn }));
      const nothing = { rows: 0, files: 0, bytes: 0, scanned: { liveBytes: 0, requestedBytes: 0, readBytes: null } };
      if (table.isRecorded(txns)) {
        await resource.use('derive', 0, 0);
        return { committed: false, version: table.version, ...nothing };
      }
      const { schema } = table;
      const sources = sourcesOf(from);
      const derived = await host(() => deriveRows(sources, { from, sql, schema, sortBy }));
      const written = table.heap.appendAll(derived.batches, schema);
      const bytes = table.heap.bytesOf(written);
      const rows = countRows(written);
      const scanned = { liveBytes: derived.liveBytes, requestedBytes: derived.requestedBytes, readBytes: null };
      await resource.use('derive', derived.rows + rows, derived.bytes + bytes);
      const removed = mode === 'replace' ? table.files() : [];
      if (table.isRecorded(txns) || (rows === 0 && mode === 'append' && txns.length === 0)) {
        requests.refuse(table, rows > 0 ? 1 : 0);
        table.heap.discard(written);
        return { committed: false, version: table.version, ...nothing, scanned };
      }
      const refusal = refusalOf(schema, table.schema);
      if (refusal !== null) {
        table.heap.discard(written);
        throw new CallError(
          'failed',
          `Table ${spec.into} got another schema while rows were derived (${refusal}); derive them again.`,
        );
      }
      for (const relation of Object.values(from)) {
        if (mode === 'append' || 'parquet' in relation || relation.snapshot.table !== spec.into) continue;
        if (sameFiles(table.filesAt(relation.snapshot.version), removed)) continue;
        table.heap.discard(written);
        throw new CallError(
          'failed',
          `Table ${spec.into}: rows derived of its version ${relation.snapshot.version} cannot replace those of version ${table.version}; derive them of that.`,
        );
      }
      const added =
        rows === 0
          ? null
          : draftFile({ bytes, rows, content: [written], sortedBy: sortBy, partition: '', dataChange: true });
      if (added) requests.ask('put', 1);
      table.commit(removed.length > 0 || added ? [{ removed, added }] : [], txns, clock.nowUs(), spec.run ?? run);
      requests.commit(table);
      return { committed: true, version: table.version, rows, files: added ? 1 : 0, bytes, scanned };
    }

    async function* query({ from, sql, schema }: QuerySpec): AsyncIterable<ColumnBatch> {
      const sources = sourcesOf(from);
      const derived = await host(() => deriveRows(sources, { from, sql, schema, sortBy: null }));
      await resource.use('query', derived.rows, derived.bytes);
      yield* derived.batches;
    }

    return {
      create,
      evolve,
      append,
      derive,
      query,
      upsert: (name, rows, options) => upsertRows('upsert', name, rows, options),
      remove: (name, keys, options) => upsertRows('remove', name, keys, options),
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
      async tier(name, policy) {
        checkPolicy(name, policy);
        const table = existing(name);
        if (JSON.stringify(table.policy) !== JSON.stringify(policy)) {
          table.policy = { ...policy };
          table.commit([], [], clock.nowUs(), run);
          requests.commit(table);
        }
        const planned = planTiering(table, policy, clock.nowUs());
        await resource.use('tier', planned.rows, planned.bytes);
        const before = table.version;
        requests.refresh(table);
        if (planned.rows > 0) {
          requests.ask('list', 1);
          requests.ask('get', table.tellers.size);
        }
        const tiered = commitTiering(table, planned, clock.nowUs(), run);
        rewritten([...planned.warm, ...planned.cold], 1);
        if (table.version > before) requests.commit(table);
        return tiered;
      },
      async pin(name, pinName, version) {
        await resource.use('pin', 0, 0);
        const table = existing(name);
        requests.refresh(table);
        if (pinName === '') throw new Error(`Table ${name}: a pin needs a name.`);
        const files = table.filesAt(version);
        const gone = files.filter(({ content }) => content === null);
        if (gone.length > 0) {
          throw new Error(
            `Table ${name}: version ${version} cannot be pinned as ${pinName}: ${gone.length} of its ${files.length} files were vacuumed, ${gone[0]!.path} among them.`,
          );
        }
        if (table.pins.get(pinName) === version) return;
        table.pins.set(pinName, version);
        table.commit([], [], clock.nowUs(), run);
        requests.commit(table);
      },
      async unpin(name, pinName) {
        await resource.use('unpin', 0, 0);
        const table = existing(name);
        requests.open(table);
        pinnedVersion(name, table.pins, pinName);
        table.pins.delete(pinName);
        table.commit([], [], clock.nowUs(), run);
        requests.commit(table);
      },
      async pins(name) {
        await resource.use('pins', 0, 0);
        requests.refresh(existing(name));
        return new Map(existing(name).pins);
      },
      async restore(name, version) {
        await resource.use('restore', 0, 0);
        const table = existing(name);
        requests.goBack(table, version);
        requests.ask('list', foldersOf(table.filesAt(version)));
        if (table.restore(version, clock.nowUs())) requests.commit(table);
        return table.version;
      },
      async vacuum(name, { retainUs }) {
        const table = existing(name);
        await resource.use('vacuum', 0, 0);
        requests.open(table);
        requests.ask('list', table.folders);
        requests.refresh(table);
        const unused = table.unusedFiles(clock.nowUs() - retainUs);
        table.forget(unused);
        // A file that was in the table twice, as restores have it, is one file.
        const bytes = new Map(unused.map((file) => [file.path, file.bytes]));
        requests.ask('delete', bytes.size);
        return { deletedFiles: bytes.size, deletedBytes: Array.from(bytes.values()).reduce((sum, b) => sum + b, 0) };
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

function sameFiles(a: readonly StoredFile[], b: readonly StoredFile[]): boolean {
  const paths = new Set(b.map(({ path }) => path));
  return a.length === b.length && a.every(({ path }) => paths.has(path));
}

/** One file, or one for each partition. */
function appendedFiles(table: Table, written: RowRange, bytes: number): StoredFile[] {
  const common = { sortedBy: [], dataChange: true };
  if (!table.isPartitioned()) {
    return [draftFile({ bytes, rows: countRows(written), content: [written], partition: '', ...common })];
  }
  const rows = Uint32Array.from({ length: countRows(written) }, (_, i) => written.start + i);
  return table.partitionsOf(rows).map((content) => {
    const partition = table.partitionOf(content[0]!);
    return draftFile({ bytes: table.heap.bytesOf(content), rows: content.length, content, partition, ...common });
  });
}

function versionOf(table: Table, at: SnapshotTime | undefined): number {
  if (at === undefined) return table.version;
  if (typeof at === 'number') return at;
  return 'pin' in at ? pinnedVersion(table.name, table.pins, at.pin) : table.versionAt(at.timestampUs);
}
