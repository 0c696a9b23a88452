/** The warehouse of the simulated stack: one server, its tables and views in memory. See README.md. */
import { CallError, messageOf } from '../../errors.js';
import type { Resource } from '../../simulation/resource.js';
import type { ColumnBatch } from '../columns.js';
import type { Source } from './feature-sources.js';
import type { PositionMove, RefreshSpec, Warehouse } from './port.js';
import {
  type MaterialisedView,
  planRefresh,
  readRow,
  type ViewSources,
  viewBytes,
} from './simulated/materialised-view.js';
import { answer, type Readable } from './simulated/queries.js';
import { copyBatch, type StoredBatch } from './simulated/stored-columns.js';
import {
  appendBatches,
  checkColumns,
  checkSame,
  countBytes,
  countRows,
  createTable,
  cutPages,
  mergeRows,
  pageBytes,
  readPage,
  type StoredTable,
} from './simulated/stored-table.js';

export interface SimulatedWarehouseOptions {
  readonly resource: Resource;
  /** The columns of a Parquet file; throws if there is none. */
  readonly parquet: (path: string) => readonly ColumnBatch[];
  /** Does what takes real time while virtual time stands still. */
  readonly host: <T>(work: () => Promise<T>) => Promise<T>;
}

export interface SimulatedWarehouse extends Warehouse {
  /** Every text in its tables. */
  stored(): Iterable<string>;
  /** What its tables and its views take, by the estimate that calls are paid by. */
  storedBytes(): number;
}

/** Each call is worked out and served first, then takes effect at once: in the order in which the server served them. */
export function simulateWarehouse({ resource, parquet, host }: SimulatedWarehouseOptions): SimulatedWarehouse {
  const tables = new Map<string, StoredTable>();
  const positions = new Map<string, readonly number[]>();
  const copiedRows = new Map<string, number>();
  const views = new Map<string, MaterialisedView>();
  /** Goes up with every call that may have changed a table or a view. */
  let effects = 0;

  const tableOf = (name: string): StoredTable => {
    const table = tables.get(name);
    if (!table) throw new CallError('failed', `there is no table '${name}'; create it first`);
    return table;
  };
  const viewOf = (name: string): ReturnType<Readable['viewOf']> => {
    const view = views.get(name);
    if (view === undefined || view.asOfUs === null)
      throw new CallError('failed', `there is no view '${name}'; refresh it first`);
    return view as ReturnType<Readable['viewOf']>;
  };
  const readable: Readable = { tableOf, viewOf, parquet };
  /** Rows and position, or neither. */
  const append = (
    name: string,
    batches: readonly StoredBatch[],
    { source, from }: PositionMove,
    next: readonly number[],
  ) => {
    const table = tableOf(name);
    const recorded = positions.get(source) ?? null;
    if (String(recorded) !== String(from))
      throw new CallError(
        'failed',
        `'${source}' stands at ${recorded ?? 'its beginning'}, not at ${from ?? 'its beginning'}: somebody else has staged from it; read its position again`,
      );
    appendBatches(table, batches);
    positions.set(source, next);
    effects++;
  };
  const plan = (spec: RefreshSpec) =>
    planRefresh(views.get(spec.view.name) ?? null, spec.view, viewSourcesOf(spec), spec.asOfUs);
  const viewSourcesOf = ({ view, history, changes }: RefreshSpec): ViewSources => {
    const sources = [...new Set(view.features.map(({ source }) => source))];
    const tablesOfHistory = Object.fromEntries(sources.map((source) => [source, tableOf(history + source)]));
    return { history: tablesOfHistory as Record<Source, StoredTable>, changes: tableOf(changes) };
  };

  return {
    async createTable(name, schema) {
      await resource.use('createTable', 0, 0);
      const existing = tables.get(name);
      if (existing) return checkSame(schema, existing);
      tables.set(name, createTable(name, schema));
      effects++;
    },

    async stage(name, rows, position) {
      const batch = copyBatch(rows);
      const next = [...position.to];
      await resource.use('stage', batch.rows, batch.bytes);
      append(name, [batch], position, next);
    },

    async insert(name, query, position) {
      const { schema } = tableOf(name);
      const next = [...position.to];
      const { batches, rows: read, bytes } = await host(() => answer(readable, query, schema));
      const added = batches.map(copyBatch);
      const rows = sum(added.map((batch) => batch.rows));
      await resource.use('insert', read + rows, bytes + sum(added.map((batch) => batch.bytes)));
      append(name, added, position, next);
      return { rows };
    },

    async *query(query, schema) {
      const { batches, rows, bytes } = await host(() => answer(readable, query, schema));
      await resource.use('query', rows, bytes);
      yield* batches;
    },

    async position(source) {
      await resource.use('position', 0, 0);
      return positions.get(source) ?? null;
    },

    async merge({ from, into, key, duplicatesInto }) {
      const staged = tables.get(from);
      await resource.use('merge', staged ? countRows(staged) : 0, staged ? countBytes(staged) : 0);
      const moved = mergeRows(tableOf(from), tableOf(into), key, tableOf(duplicatesInto));
      effects++;
      return moved;
    },

    async copy(name, parquetPath, source) {
      const batches = copiedRows.has(source) ? [] : readBatches(parquet, parquetPath);
      const rows = sum(batches.map((batch) => batch.rows));
      await resource.use('copy', rows, sum(batches.map(({ bytes }) => bytes)));
      const already = copiedRows.get(source);
      if (already !== undefined) return { rows: already };
      appendBatches(tableOf(name), batches);
      copiedRows.set(source, rows);
      effects++;
      return { rows };
    },

    async refresh(spec) {
      if (!Number.isSafeInteger(spec.asOfUs))
        throw new CallError('failed', `a view is refreshed as of a whole number of microseconds, not ${spec.asOfUs}`);
      const planned = { effects, ...plan(spec) };
      await resource.use('refresh', planned.entities, 0);
      // What was served while this call waited may have brought more.
      const { entities, takeEffect } = planned.effects === effects ? planned : plan(spec);
      views.set(spec.view.name, takeEffect());
      effects++;
      return { entities };
    },

    async read(name, keys) {
      const asked = [...keys];
      const wrong = asked.find((key) => !Number.isSafeInteger(key) || key < 0);
      if (wrong !== undefined) throw new CallError('failed', `a key is an integer from 0, not ${wrong}`);
      const width = 1 + (views.get(name)?.layout.read.length ?? 0);
      await resource.use('read', asked.length, 8 * width * asked.length);
      const view = viewOf(name);
      return { asOfUs: view.asOfUs, rows: asked.map((key) => readRow(view, key)) };
    },

    async *scan(name, columns) {
      const cut = () => {
        const table = tableOf(name);
        checkColumns(table, columns);
        return cutPages(table);
      };
      let pages = cut();
      for (let i = 0; i < pages.length; i++) {
        await resource.use('scan', pages[i]!.rows, pageBytes(pages[i]!, columns));
        // The rows are those of the moment at which the first are served.
        if (i === 0) pages = cut();
        if (pages[i]!.rows > 0) yield readPage(pages[i]!, columns);
      }
    },

    async tables() {
      await resource.use('tables', 0, 0);
      return [...tables.keys(), ...views.keys()].sort();
    },

    async inventory() {
      await resource.use('inventory', 0, 0);
      const held = [...tables.values()];
      const bytes = sum(held.map(countBytes));
      return { fileBytes: bytes > 0 ? [bytes] : [], rows: sum(held.map(countRows)) };
    },

    async close() {},

    *stored() {
      const seen = new Set<string>();
      for (const { schema, batches } of tables.values()) {
        for (const { name } of schema.filter(({ type }) => type === 'text')) {
          for (const { columns } of batches)
            for (const text of columns[name]!) if (text !== null) seen.add(text as string);
        }
      }
      yield* seen;
    },

    storedBytes: () => sum([...tables.values()].map(countBytes)) + sum([...views.values()].map(viewBytes)),
  };
}

function readBatches(parquet: SimulatedWarehouseOptions['parquet'], path: string): StoredBatch[] {
  try {
    return parquet(path).map(copyBatch);
  } catch (error) {
    throw error instanceof CallError ? error : new CallError('failed', messageOf(error), { cause: error });
  }
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
